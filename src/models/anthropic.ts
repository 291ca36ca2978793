import { deploymentName, resolveEnv } from '../core/index.ts';
import { requireKey } from './api-key.ts';
import { readBaseUrl } from './base-url.ts';
import { envValue } from './env-value.ts';
import { configuredHeaders } from './headers.ts';
import type { Provider } from './provider.ts';

/** `anthropic:MODEL`, https://docs.anthropic.com/en/api/messages. Key: ANTHROPIC_API_KEY, sent as `x-api-key`. */
export const anthropic: Provider = async ({ spec, provider, name }, { settings, env, apiKeyEnv }) => {
  const { createAnthropic } = await import('@ai-sdk/anthropic');
  const own = resolveEnv(settings.anthropic ?? {}, env, 'providers.anthropic');
  const base =
    own.baseUrl === undefined
      ? readBaseUrl(envValue(env, 'ANTHROPIC_BASE_URL') ?? 'https://api.anthropic.com/v1', 'ANTHROPIC_BASE_URL')
      : readBaseUrl(own.baseUrl, 'providers.anthropic.baseUrl');
  // Anthropic's own clients take the base URL without /v1, the AI SDK with it; both spellings are understood.
  const baseURL = base.url.endsWith('/v1') ? base.url : `${base.url}/v1`;
  const apiKey = requireKey(env, spec, apiKeyEnv ?? own.apiKeyEnv ?? 'ANTHROPIC_API_KEY');
  const headers = { ...configuredHeaders(own.headers, 'providers.anthropic.headers'), ...(own.version === undefined ? {} : { 'anthropic-version': own.version }) };
  return {
    spec,
    provider,
    model: name,
    deployment: deploymentName('anthropic', base.host, name),
    host: base.hostname,
    query: base.query,
    simulated: false,
    takesN: false,
    endpoint: () => ({
      api: 'anthropic',
      baseURL: baseURL.replace(/\/v1$/, ''),
      apiKey,
      model: name,
      headers,
      query: Object.fromEntries(base.query),
    }),
    connect: (fetch) => createAnthropic({ baseURL, apiKey, headers, fetch })(name),
  };
};
