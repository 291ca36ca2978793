import { hasReference, UsageError } from '../core/index.ts';

export const PROVIDERS = ['openai', 'azure', 'anthropic', 'compat', 'sim'] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** A target as typed, taken apart. */
export interface TargetSpec {
  readonly spec: string;
  readonly provider: ProviderName;
  /** Model, deployment, profile, or the name of a `compat` endpoint. */
  readonly name: string;
  /** Only for `compat:http://…#model`. */
  readonly url?: string;
  /** The model after `#`, where one is given. */
  readonly model?: string;
}

/**
 * Takes `provider:model` apart.
 *
 * @throws UsageError naming what is wrong with the spec
 */
export function parseTargetSpec(spec: string): TargetSpec {
  const colon = spec.indexOf(':');
  const provider = spec.slice(0, colon) as ProviderName;
  const rest = spec.slice(colon + 1);
  if (colon <= 0 || rest === '') {
    throw new UsageError({ message: `target "${spec}" is not of the form provider:model`, hint: `e.g. ${EXAMPLES.join(', ')}` });
  }
  if (!PROVIDERS.includes(provider)) {
    throw new UsageError({ message: `target "${spec}" names an unknown provider "${provider}"`, hint: `known: ${PROVIDERS.join(', ')}; any OpenAI-compatible endpoint is compat:http://HOST/v1#model` });
  }
  if (provider !== 'compat') return { spec, provider, name: rest };
  const hash = rest.indexOf('#');
  const name = hash === -1 ? rest : rest.slice(0, hash);
  const model = hash === -1 ? undefined : rest.slice(hash + 1);
  const named = { spec, provider, name, ...(model === undefined ? {} : { model }) };
  if (!/^https?:/i.test(name)) return named;
  const url = URL.parse(name);
  if (url === null) throw new UsageError({ message: `target "${spec}" holds a URL that cannot be read: ${name}` });
  refuseSecrets(url);
  if (model === undefined || model === '') {
    throw new UsageError({ message: `target "${spec}" names no model`, hint: `put it after a #: ${spec.replace(/#$/, '')}#MODEL` });
  }
  return { ...named, url: name.replace(/\/+$/, '') };
}

/** A target is stored, shown and reported as it was typed, so no secret may stand in it. */
function refuseSecrets(url: URL): void {
  const secret = [...url.searchParams].find(([name, value]) => SECRET_PARAMETER.test(name) && value !== '' && !hasReference(value))?.[0];
  if (secret === undefined && url.username === '' && url.password === '') return;
  throw new UsageError({
    message: `the target compat:${url.origin}… holds ${secret === undefined ? 'a user name or password' : `a secret in its parameter ${secret}`}, and targets are stored as typed`,
    hint: 'take it out of the URL; give a key with --api-key-env VAR, or name the endpoint in the config and write ${VAR} there',
  });
}

const SECRET_PARAMETER = /api[-_]?key|^key$|token|secret|password|signature|^sig$|^auth/i;

const EXAMPLES = ['openai:gpt-4.1-mini', 'azure:DEPLOYMENT', 'anthropic:claude-sonnet-4-5', 'compat:http://localhost:8000/v1#model', 'sim:weak'];
