import { deploymentName, resolveEnv, UsageError, type Env } from '../core/index.ts';
import { requireKey } from './api-key.ts';
import { readBaseUrl, type BaseUrl } from './base-url.ts';
import { envValue } from './env-value.ts';
import { configuredHeaders } from './headers.ts';
import type { Provider } from './provider.ts';
import type { ProviderSettings } from './provider-settings.ts';

/** The newest data-plane version that is generally available for deployment paths. */
const API_VERSION = '2024-10-21';

/**
 * `azure:DEPLOYMENT`, https://learn.microsoft.com/azure/ai-foundry/openai/reference. The deployment stands in the path, the key in
 * `api-key`. Key: AZURE_OPENAI_API_KEY or AZURE_API_KEY; endpoint: AZURE_OPENAI_ENDPOINT or AZURE_RESOURCE_NAME.
 */
export const azure: Provider = async ({ spec, provider, name }, { settings, env, apiKeyEnv }) => {
  const { createAzure } = await import('@ai-sdk/azure');
  const own = resolveEnv(settings.azure ?? {}, env, 'providers.azure');
  const { url, host, hostname, query } = endpointOf(spec, own, env);
  const keyVariable = apiKeyEnv ?? own.apiKeyEnv;
  const apiKey = requireKey(env, spec, ...(keyVariable === undefined ? ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'] : [keyVariable]));
  const headers = configuredHeaders(own.headers, 'providers.azure.headers');
  const apiVersion = own.apiVersion ?? query.get('api-version') ?? envValue(env, 'OPENAI_API_VERSION') ?? API_VERSION;
  query.delete('api-version');
  return {
    spec,
    provider,
    model: name,
    deployment: deploymentName('azure', host.replace(/\.openai\.azure\.com$/, ''), name),
    host: hostname,
    query,
    simulated: false,
    takesN: true,
    endpoint: () => ({
      api: 'azure',
      baseURL: `${azureRoot(url)}/openai/deployments/${name}`,
      apiKey,
      model: name,
      // OpenAI's own client, pointed here, would send the key as a bearer token.
      headers: { ...headers, 'api-key': apiKey },
      query: { ...Object.fromEntries(query), 'api-version': apiVersion },
    }),
    connect: (fetch) => createAzure({ baseURL: `${azureRoot(url)}/openai`, apiKey, headers, fetch, useDeploymentBasedUrls: true, apiVersion }).chat(name),
  };
};

function endpointOf(spec: string, own: NonNullable<ProviderSettings['azure']>, env: Env): BaseUrl {
  if (own.endpoint !== undefined) return readBaseUrl(own.endpoint, 'providers.azure.endpoint');
  if (own.resource !== undefined) return readBaseUrl(resourceUrl(own.resource), 'providers.azure.resource');
  const endpoint = envValue(env, 'AZURE_OPENAI_ENDPOINT');
  if (endpoint !== undefined) return readBaseUrl(endpoint, 'AZURE_OPENAI_ENDPOINT');
  const resource = envValue(env, 'AZURE_RESOURCE_NAME');
  if (resource !== undefined) return readBaseUrl(resourceUrl(resource), 'AZURE_RESOURCE_NAME');
  throw new UsageError({
    code: 'config',
    message: `target ${spec} needs an endpoint: AZURE_OPENAI_ENDPOINT is not set`,
    hint: 'export AZURE_OPENAI_ENDPOINT=https://RESOURCE.openai.azure.com, or set providers.azure.endpoint in the config',
  });
}

function resourceUrl(resource: string): string {
  return `https://${resource}.openai.azure.com`;
}

/** The portal shows endpoints with and without `/openai`, `/openai/v1` and a deployment's path. */
function azureRoot(url: string): string {
  return url.replace(/\/openai(?:\/v1|\/deployments\/.*)?$/, '');
}
