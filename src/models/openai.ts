import { deploymentName, resolveEnv } from '../core/index.ts';
import { requireKey } from './api-key.ts';
import { readBaseUrl } from './base-url.ts';
import { envValue } from './env-value.ts';
import { configuredHeaders } from './headers.ts';
import type { Provider } from './provider.ts';

/** `openai:MODEL`, https://platform.openai.com/docs/api-reference. Key: OPENAI_API_KEY. */
export const openai: Provider = async ({ spec, provider, name }, { settings, env, apiKeyEnv }) => {
  const { createOpenAI } = await import('@ai-sdk/openai');
  const own = resolveEnv(settings.openai ?? {}, env, 'providers.openai');
  const base =
    own.baseUrl === undefined
      ? readBaseUrl(envValue(env, 'OPENAI_BASE_URL') ?? 'https://api.openai.com/v1', 'OPENAI_BASE_URL')
      : readBaseUrl(own.baseUrl, 'providers.openai.baseUrl');
  const apiKey = requireKey(env, spec, apiKeyEnv ?? own.apiKeyEnv ?? 'OPENAI_API_KEY');
  const headers = configuredHeaders(own.headers, 'providers.openai.headers');
  const responses = own.api === 'responses';
  return {
    spec,
    provider,
    model: name,
    deployment: deploymentName('openai', own.organization ?? base.host, name),
    host: base.hostname,
    query: base.query,
    simulated: false,
    takesN: !responses,
    endpoint: () => ({
      api: 'openai',
      baseURL: base.url,
      apiKey,
      model: name,
      headers: {
        ...headers,
        ...(own.organization === undefined ? {} : { 'OpenAI-Organization': own.organization }),
        ...(own.project === undefined ? {} : { 'OpenAI-Project': own.project }),
      },
      query: Object.fromEntries(base.query),
    }),
    connect: (fetch) => {
      const sdk = createOpenAI({
        baseURL: base.url,
        apiKey,
        headers,
        fetch,
        ...(own.organization === undefined ? {} : { organization: own.organization }),
        ...(own.project === undefined ? {} : { project: own.project }),
      });
      return responses ? sdk.responses(name) : sdk.chat(name);
    },
  };
};
