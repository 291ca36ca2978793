import { deploymentName, resolveEnv, UsageError } from '../core/index.ts';
import { requireKey } from './api-key.ts';
import type { Provider } from './provider.ts';

/** The newest data-plane version that is generally available for deployment paths. */
const API_VERSION = '2024-10-21';

/**
 * `azure:DEPLOYMENT`, https://learn.microsoft.com/azure/ai-foundry/openai/reference. The deployment stands in the path, the key in
 * `api-key`. Key: AZURE_OPENAI_API_KEY or AZURE_API_KEY; endpoint: AZURE_OPENAI_ENDPOINT or AZURE_RESOURCE_NAME.
 */
export const azure: Provider = async ({ spec, provider, name }, { settings, env, apiKeyEnv }) => {
  const { createAzure } = await import('@ai-sdk/azure');
  const own = settings.azure ?? {};
  const resource = own.resource ?? env['AZURE_RESOURCE_NAME'];
  const endpoint = own.endpoint ?? env['AZURE_OPENAI_ENDPOINT'] ?? (resource === undefined ? undefined : `https://${resource}.openai.azure.com`);
  if (endpoint === undefined) {
    throw new UsageError({
      code: 'config',
      message: `target ${spec} needs an endpoint: AZURE_OPENAI_ENDPOINT is not set`,
      hint: 'export AZURE_OPENAI_ENDPOINT=https://RESOURCE.openai.azure.com, or set providers.azure.endpoint in the config',
    });
  }
  const base = resolveEnv(endpoint, env, 'providers.azure.endpoint').replace(/\/+$/, '').replace(/\/openai$/, '');
  const keyVariables = apiKeyEnv ?? own.apiKeyEnv;
  const apiKey = keyVariables === undefined ? requireKey(env, spec, 'AZURE_OPENAI_API_KEY', 'AZURE_API_KEY') : requireKey(env, spec, keyVariables);
  const headers = resolveEnv(own.headers ?? {}, env, 'providers.azure.headers');
  return {
    spec,
    provider,
    model: name,
    deployment: deploymentName('azure', new URL(base).host.replace(/\.openai\.azure\.com$/, ''), name),
    host: new URL(base).hostname,
    simulated: false,
    takesN: true,
    connect: (fetch) =>
      createAzure({
        baseURL: `${base}/openai`,
        apiKey,
        headers,
        fetch,
        useDeploymentBasedUrls: true,
        apiVersion: own.apiVersion ?? env['OPENAI_API_VERSION'] ?? API_VERSION,
      }).chat(name),
  };
};
