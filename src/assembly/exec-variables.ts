import type { Env } from '../core/index.ts';

/**
 * How a variable names a provider's address.
 * `base`: the base URL as that provider's SDKs take it. `root`: without what the SDK adds (`/v1`).
 * `host`: a host name alone, which is reached by https: nothing that a gateway on this machine could be given as.
 */
type Form = 'base' | 'root' | 'host';

interface BaseUrlVariable {
  readonly name: string;
  /** Name of the upstream that it stands for. */
  readonly upstream: string;
  readonly form: Form;
}

const variables = (upstream: string, form: Form, ...names: readonly string[]): BaseUrlVariable[] => names.map((name) => ({ name, upstream, form }));

/**
 * Variables that clients read their base URL from; the first that is set decides where an upstream is. Seen in the sources of the OpenAI,
 * Anthropic and Google SDKs, the AI SDK, LangChain, LiteLLM (`…_API_BASE`), promptfoo (`…_API_BASE_URL`, `…_API_HOST`), Ollama,
 * Goose (`OPENAI_HOST`, `ANTHROPIC_HOST`) and mem0.
 */
const VARIABLES: readonly BaseUrlVariable[] = [
  ...variables('openai', 'host', 'OPENAI_API_HOST'),
  ...variables('openai', 'base', 'OPENAI_BASE_URL', 'OPENAI_API_BASE', 'OPENAI_API_BASE_URL'),
  ...variables('openai', 'root', 'OPENAI_HOST'),
  ...variables('anthropic', 'base', 'ANTHROPIC_BASE_URL', 'ANTHROPIC_API_URL', 'ANTHROPIC_API_BASE', 'ANTHROPIC_HOST'),
  ...variables('azure', 'host', 'AZURE_API_HOST', 'AZURE_OPENAI_API_HOST'),
  ...variables('azure', 'base', 'AZURE_OPENAI_ENDPOINT', 'AZURE_API_BASE', 'AZURE_API_BASE_URL', 'AZURE_OPENAI_API_BASE_URL', 'AZURE_OPENAI_BASE_URL'),
  ...variables('ollama', 'base', 'OLLAMA_HOST', 'OLLAMA_BASE_URL', 'OLLAMA_API_BASE'),
  ...variables('gemini', 'base', 'GOOGLE_GEMINI_BASE_URL', 'GEMINI_API_BASE', 'GEMINI_BASE_URL'),
  ...variables('openrouter', 'base', 'OPENROUTER_BASE_URL', 'OPENROUTER_API_BASE'),
  ...variables('deepseek', 'base', 'DEEPSEEK_API_BASE', 'DEEPSEEK_BASE_URL'),
  ...variables('mistral', 'base', 'MISTRAL_API_BASE'),
  ...variables('together', 'base', 'TOGETHER_BASE_URL', 'TOGETHER_API_BASE'),
  ...variables('xai', 'base', 'XAI_API_BASE', 'XAI_BASE_URL'),
];

/** Variables in which clients insist on some key. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  openai: ['OPENAI_API_KEY'],
  anthropic: ['ANTHROPIC_API_KEY'],
  azure: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'],
  gemini: ['GEMINI_API_KEY'],
  openrouter: ['OPENROUTER_API_KEY'],
  deepseek: ['DEEPSEEK_API_KEY'],
  mistral: ['MISTRAL_API_KEY'],
  together: ['TOGETHER_API_KEY'],
  xai: ['XAI_API_KEY'],
};

/** Names of upstreams that programs find by a variable. */
export const UPSTREAMS_WITH_VARIABLES: ReadonlySet<string> = new Set(VARIABLES.map(({ upstream }) => upstream));

/** The address that the environment gave an upstream, and the variable it stands in. */
export function baseUrlFromEnv(upstream: string, env: Env): { readonly url: string; readonly where: string } | undefined {
  for (const variable of VARIABLES) {
    const value = env[variable.name]?.trim();
    if (variable.upstream !== upstream || value === undefined || value === '') continue;
    return { url: urlIn(variable, value), where: variable.name };
  }
  return undefined;
}

function urlIn({ upstream, form }: BaseUrlVariable, value: string): string {
  if (upstream === 'ollama') return ollamaUrl(value);
  if (form === 'base') return value;
  const root = (/^https?:\/\//i.test(value) ? value : `https://${value}`).replace(/\/+$/, '');
  return upstream === 'openai' && !root.endsWith('/v1') ? `${root}/v1` : root;
}

/** `OLLAMA_HOST` as Ollama reads it: host, port and scheme may each be missing, and the address a server listens on is no address to call. */
function ollamaUrl(value: string): string {
  const [, scheme = 'http', rest = ''] = /^(?:(https?):\/\/)?(.*)$/i.exec(value) ?? [];
  const [, address = '', path = ''] = /^([^/]*)(.*)$/.exec(rest) ?? [];
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(address) ?? [];
  const callable = host === '' || host === '0.0.0.0' || host === '[::]' ? '127.0.0.1' : host;
  const usual = /:\/\//.test(value) ? (scheme.toLowerCase() === 'https' ? '443' : '80') : '11434';
  return `${scheme}://${callable}:${port ?? usual}${path}`;
}

/** What a program is told of the gateway. */
export interface GatewayAddresses {
  /** Names of the upstreams that are there. */
  readonly upstreams: readonly { readonly name: string; readonly simulated?: boolean; readonly apiKey?: string }[];
  /** Base URL of an upstream, as its SDKs take it. */
  readonly baseUrl: (upstream: string) => string;
  /** Address below which providers' own paths begin. */
  readonly root: string;
}

/**
 * Variables that send a program's model calls to the gateway; `undefined` is one to take away. Where no key of the program's is needed,
 * because the upstream is simulated or the gateway holds the key, a stand-in is set for clients that insist on one.
 */
export function addressVariables({ upstreams, baseUrl, root }: GatewayAddresses, env: Env): Record<string, string | undefined> {
  const set: Record<string, string | undefined> = {};
  const there = new Map(upstreams.map((upstream) => [upstream.name, upstream]));
  for (const { name, upstream, form } of VARIABLES) {
    if (!there.has(upstream)) continue;
    set[name] = form === 'host' ? undefined : form === 'root' ? root : baseUrl(upstream);
  }
  for (const [upstream, names] of Object.entries(KEYS)) {
    const { simulated, apiKey } = there.get(upstream) ?? {};
    if (simulated !== true && apiKey === undefined) continue;
    if (names.some((name) => (env[name] ?? '') !== '')) continue;
    for (const name of names) set[name] = simulated === true ? 'simulated' : 'held-by-the-gateway';
  }
  return set;
}
