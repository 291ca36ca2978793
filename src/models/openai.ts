import { deploymentName, resolveEnv } from '../core/index.ts';
import { requireKey } from './api-key.ts';
import type { Provider } from './provider.ts';

/** `openai:MODEL`, https://platform.openai.com/docs/api-reference. Key: OPENAI_API_KEY. */
export const openai: Provider = async ({ spec, provider, name }, { settings, env, apiKeyEnv }) => {
  const { createOpenAI } = await import('@ai-sdk/openai');
  const own = settings.openai ?? {};
  const baseURL = resolveEnv(own.baseUrl ?? env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1', env, 'providers.openai.baseUrl').replace(/\/+$/, '');
  const apiKey = requireKey(env, spec, apiKeyEnv ?? own.apiKeyEnv ?? 'OPENAI_API_KEY');
  const headers = resolveEnv(own.headers ?? {}, env, 'providers.openai.headers');
  const responses = own.api === 'responses';
  return {
    spec,
    provider,
    model: name,
    deployment: deploymentName('openai', own.organization ?? new URL(baseURL).host, name),
    host: new URL(baseURL).hostname,
    simulated: false,
    takesN: !responses,
    connect: (fetch) => {
      const sdk = createOpenAI({
        baseURL,
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
