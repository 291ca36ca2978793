import type { AssayConfig } from '../config/index.ts';
import { resolveEnv, UsageError, type Env } from '../core/index.ts';
import { UPSTREAM_KINDS, type Upstream, type UpstreamKind } from '../gateway/index.ts';
import { baseUrlFromEnv } from './exec-variables.ts';
import type { SimulatorPlace } from './simulator-host.ts';

type UpstreamSettings = AssayConfig['gateway']['upstreams'][string];

/** Providers that are there without being named. Azure has no address of its own: it is there once an endpoint is given. */
const PROVIDERS: readonly { readonly name: string; readonly kind: UpstreamKind; readonly url: string | undefined }[] = [
  { name: 'openai', kind: 'openai', url: 'https://api.openai.com/v1' },
  { name: 'anthropic', kind: 'anthropic', url: 'https://api.anthropic.com' },
  { name: 'gemini', kind: 'gemini', url: 'https://generativelanguage.googleapis.com' },
  { name: 'ollama', kind: 'ollama', url: 'http://127.0.0.1:11434' },
  { name: 'openrouter', kind: 'openrouter', url: 'https://openrouter.ai/api/v1' },
  { name: 'azure', kind: 'azure', url: undefined },
  { name: 'deepseek', kind: 'openai', url: 'https://api.deepseek.com/v1' },
  { name: 'mistral', kind: 'openai', url: 'https://api.mistral.ai/v1' },
  { name: 'together', kind: 'openai', url: 'https://api.together.xyz/v1' },
  { name: 'xai', kind: 'openai', url: 'https://api.x.ai/v1' },
];

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Kinds that the simulated provider speaks, and where each begins on it. */
const SIMULATED: Partial<Readonly<Record<UpstreamKind, string>>> = { openai: '/v1', openrouter: '/v1', azure: '', anthropic: '' };

export interface UpstreamSources {
  readonly config: Pick<AssayConfig, 'gateway'>;
  /** Base URLs that were set before become upstreams. */
  readonly env: Env;
  /** Opens the simulator; asked only where an upstream is simulated. */
  readonly simulator: () => Promise<SimulatorPlace>;
}

/**
 * Where a gateway forwards to: the providers' own addresses, those of the configuration over them, those that the environment names
 * over these. What the command line says was put into the configuration by `withUpstreamFlags`, and stands over the environment.
 *
 * @throws UsageError naming an address that cannot be used, or a variable that is referred to and not set
 */
export async function resolveUpstreams({ config, env, simulator }: UpstreamSources, said: ReadonlySet<string> = new Set()): Promise<Upstream[]> {
  const configured = config.gateway.upstreams;
  const names = new Set([...PROVIDERS.map(({ name }) => name), ...Object.keys(configured)]);
  const upstreams: Upstream[] = [];
  for (const name of names) {
    const known = PROVIDERS.find((provider) => provider.name === name);
    const settings = configured[name] ?? {};
    const kind = settings.kind ?? known?.kind ?? 'openai';
    const fromEnv = said.has(name) ? undefined : baseUrlFromEnv(name, env);
    const from = fromEnv ?? { url: settings.url ?? known?.url, where: `gateway.upstreams.${name}.url` };
    if (from.url === undefined) {
      if (configured[name] === undefined) continue;
      throw new UsageError({ code: 'config', message: `the upstream ${name} has no address`, hint: `set gateway.upstreams.${name}.url, or say --upstream ${name}=URL` });
    }
    const rest = otherSettings(name, settings, env);
    if (from.url === 'sim') upstreams.push({ name, kind, ...rest, ...(await simulated(name, kind, simulator)) });
    else upstreams.push({ name, kind, url: baseOf(kind, resolveEnv(from.url, env, from.where), from.where), ...rest });
  }
  return upstreams;
}

/** The base URL as that kind's SDKs take it, from one that may be what another tool takes. */
function baseOf(kind: UpstreamKind, text: string, where: string): string {
  const parsed = URL.parse(text.trim());
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new UsageError({ code: 'config', message: `${where} is not an http:// or https:// URL`, hint: 'e.g. http://127.0.0.1:8000/v1' });
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new UsageError({ code: 'config', message: `${where} holds a user name or password, which is not sent`, hint: 'take it out of the URL, and give the key as the program that calls does' });
  }
  const path = parsed.pathname.replace(/\/+$/, '');
  // Some tools want the version in the address where the vendor's own SDK puts it there itself.
  const bare = kind === 'anthropic' ? path.replace(/\/v1$/, '') : kind === 'gemini' ? path.replace(/\/v1(?:alpha|beta)?$/, '') : kind === 'azure' ? path.replace(/\/openai(?:\/v1)?$/, '') : path;
  return `${parsed.origin}${bare}`;
}

function otherSettings(name: string, { apiKeyEnv, headers }: UpstreamSettings, env: Env): Pick<Upstream, 'apiKey' | 'headers'> {
  const apiKey = apiKeyEnv === undefined ? undefined : resolveEnv(`\${${apiKeyEnv}}`, env, `gateway.upstreams.${name}.apiKeyEnv`);
  return {
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(headers === undefined ? {} : { headers: resolveEnv(headers, env, `gateway.upstreams.${name}.headers`) }),
  };
}

async function simulated(name: string, kind: UpstreamKind, simulator: UpstreamSources['simulator']): Promise<Pick<Upstream, 'url' | 'provider' | 'account' | 'simulated'>> {
  const path = SIMULATED[kind];
  if (path === undefined) {
    throw new UsageError({ message: `the simulated provider does not speak ${kind}, so the upstream ${name} cannot be simulated`, hint: `it speaks ${Object.keys(SIMULATED).join(', ')}` });
  }
  const { url, place } = await simulator();
  return { url: `${url}${path}`, provider: 'sim', account: place, simulated: true };
}

/** What `--upstream NAME=URL` said, checked. */
export interface UpstreamFlag {
  readonly name: string;
  readonly url: string;
}

/** @throws UsageError naming what cannot be read */
export function readUpstreamFlag(text: string): UpstreamFlag {
  const [, name = '', given = ''] = /^([^=]*)=(.*)$/s.exec(text.trim()) ?? [];
  const url = /^sim:?$/.test(given) ? 'sim' : given;
  if (!NAME.test(name) || (url !== 'sim' && !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))) {
    // The value is not repeated: it may hold a password.
    throw new UsageError({ message: `--upstream takes NAME=URL${NAME.test(name) ? `; what stands behind ${name}= is no http:// or https:// URL` : ''}`, hint: `e.g. --upstream openai=http://127.0.0.1:8000/v1, or openai=sim for the simulated provider; names with paths of their own: ${UPSTREAM_KINDS.join(', ')}` });
  }
  return { name, url };
}

/** The configuration's upstreams with the command line's put over them; headers and keys that were configured stay. */
export function withUpstreamFlags(config: AssayConfig, flags: readonly UpstreamFlag[]): AssayConfig {
  if (flags.length === 0) return config;
  const upstreams = { ...config.gateway.upstreams };
  for (const { name, url } of flags) upstreams[name] = { ...upstreams[name], url };
  return { ...config, gateway: { ...config.gateway, upstreams } };
}
