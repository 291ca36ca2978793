import { deploymentName, resolveEnv } from '../core/index.ts';
import { requireKey } from './api-key.ts';
import type { Provider } from './provider.ts';

/** `anthropic:MODEL`, https://docs.anthropic.com/en/api/messages. Key: ANTHROPIC_API_KEY, sent as `x-api-key`. */
export const anthropic: Provider = async ({ spec, provider, name }, { settings, env, apiKeyEnv }) => {
  const { createAnthropic } = await import('@ai-sdk/anthropic');
  const own = settings.anthropic ?? {};
  const configured = resolveEnv(own.baseUrl ?? env['ANTHROPIC_BASE_URL'] ?? 'https://api.anthropic.com/v1', env, 'providers.anthropic.baseUrl').replace(/\/+$/, '');
  // Anthropic's own clients take the base URL without /v1, the AI SDK with it; both spellings are understood.
  const baseURL = configured.endsWith('/v1') ? configured : `${configured}/v1`;
  const apiKey = requireKey(env, spec, apiKeyEnv ?? own.apiKeyEnv ?? 'ANTHROPIC_API_KEY');
  const headers = { ...resolveEnv(own.headers ?? {}, env, 'providers.anthropic.headers'), ...(own.version === undefined ? {} : { 'anthropic-version': own.version }) };
  return {
    spec,
    provider,
    model: name,
    deployment: deploymentName('anthropic', new URL(baseURL).host, name),
    host: new URL(baseURL).hostname,
    simulated: false,
    takesN: false,
    connect: (fetch) => createAnthropic({ baseURL, apiKey, headers, fetch })(name),
  };
};
