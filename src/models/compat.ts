import { deploymentName, resolveEnv, UsageError } from '../core/index.ts';
import { modelVendor } from '../protocols/index.ts';
import { requireKey } from './api-key.ts';
import { readBaseUrl } from './base-url.ts';
import { configuredHeaders } from './headers.ts';
import type { Provider } from './provider.ts';
import type { CompatSettings } from './provider-settings.ts';

/**
 * `compat:NAME` (an endpoint of the config, with `#model` to choose another model) or `compat:http://HOST/v1#model`: anything that
 * speaks OpenAI chat completions. It gets the key that is named for it and no other.
 */
export const compat: Provider = async ({ spec, provider, name, url, model }, { settings, env, apiKeyEnv }) => {
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
  const where = url === undefined ? `providers.compat.${name}` : 'the target';
  const own = resolveEnv(url === undefined ? namedEndpoint(spec, name, settings.compat ?? {}) : { baseUrl: url }, env, where);
  const base = readBaseUrl(own.baseUrl, url === undefined ? `${where}.baseUrl` : `the URL of target compat:…#${model}`);
  const modelId = model ?? own.model;
  if (modelId === undefined) {
    throw new UsageError({ code: 'config', message: `target ${spec} names no model`, hint: `write compat:${name}#MODEL, or set ${where}.model in the config` });
  }
  const keyVariable = apiKeyEnv ?? own.apiKeyEnv;
  const apiKey = keyVariable === undefined ? undefined : requireKey(env, spec, keyVariable);
  const headers = configuredHeaders(own.headers, `${where}.headers`);
  return {
    spec,
    provider,
    model: modelId,
    // One bucket per vendor's endpoint, whoever calls it.
    deployment: deploymentName(modelVendor(base.hostname) ?? 'compat', base.host, modelId),
    host: base.hostname,
    query: base.query,
    simulated: false,
    takesN: own.supportsN ?? false,
    // An endpoint without a key takes any.
    endpoint: () => ({ api: 'openai', baseURL: base.url, apiKey: apiKey ?? 'none', model: modelId, headers, query: Object.fromEntries(base.query) }),
    connect: (fetch) =>
      createOpenAICompatible({ name: 'compat', baseURL: base.url, headers, fetch, includeUsage: true, ...(apiKey === undefined ? {} : { apiKey }) }).chatModel(modelId),
  };
};

function namedEndpoint(spec: string, name: string, endpoints: Readonly<Record<string, CompatSettings>>): CompatSettings {
  const found = endpoints[name];
  if (found !== undefined) return found;
  const known = Object.keys(endpoints);
  throw new UsageError({
    code: 'config',
    message: `target ${spec} names an endpoint that the config does not have: providers.compat.${name}`,
    hint: known.length === 0 ? 'add it to assay.yaml, or write compat:http://HOST:PORT/v1#MODEL' : `known: ${known.join(', ')}`,
  });
}
