/** Vendors by the hosts that serve their models, exact or (with a leading dot) any name under them. From the vendors' API documentation. */
const MODEL_HOSTS: readonly (readonly [host: string, vendor: string])[] = [
  ['api.openai.com', 'openai'],
  ['.api.openai.com', 'openai'],
  ['.openai.azure.com', 'azure'],
  ['.cognitiveservices.azure.com', 'azure'],
  ['.services.ai.azure.com', 'azure'],
  ['.models.ai.azure.com', 'azure'],
  ['api.anthropic.com', 'anthropic'],
  ['openrouter.ai', 'openrouter'],
  ['generativelanguage.googleapis.com', 'gemini'],
  ['aiplatform.googleapis.com', 'vertex'],
  ['.aiplatform.googleapis.com', 'vertex'],
  ['api.mistral.ai', 'mistral'],
  ['codestral.mistral.ai', 'mistral'],
  ['api.groq.com', 'groq'],
  ['api.together.xyz', 'together'],
  ['api.together.ai', 'together'],
  ['api.fireworks.ai', 'fireworks'],
  ['api.deepseek.com', 'deepseek'],
  ['api.x.ai', 'xai'],
  ['api.cerebras.ai', 'cerebras'],
  ['api.perplexity.ai', 'perplexity'],
  ['api.cohere.com', 'cohere'],
  ['api.cohere.ai', 'cohere'],
  ['api.deepinfra.com', 'deepinfra'],
  ['api.sambanova.ai', 'sambanova'],
  ['api.moonshot.ai', 'moonshot'],
  ['api.moonshot.cn', 'moonshot'],
  ['router.huggingface.co', 'huggingface'],
  ['api-inference.huggingface.co', 'huggingface'],
  ['integrate.api.nvidia.com', 'nvidia'],
  ['models.github.ai', 'github'],
  ['api.voyageai.com', 'voyage'],
  ['ollama.com', 'ollama'],
];

const EXACT: ReadonlyMap<string, string> = new Map(MODEL_HOSTS);
const UNDER = MODEL_HOSTS.filter(([host]) => host.startsWith('.'));

/** Regional names: Vertex AI's `us-central1-aiplatform…`, Bedrock's `bedrock-runtime.REGION…`. */
const REGIONAL: readonly (readonly [pattern: RegExp, vendor: string])[] = [
  [/-aiplatform\.googleapis\.com$/, 'vertex'],
  [/^bedrock-runtime(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/, 'bedrock'],
];

/**
 * Whose models a host serves; `undefined` for a host that is not known to serve any.
 *
 * @param host host name, with or without a port
 */
export function modelVendor(host: string): string | undefined {
  const name = host.toLowerCase().replace(PORT, '');
  return EXACT.get(name) ?? UNDER.find(([end]) => name.endsWith(end))?.[1] ?? REGIONAL.find(([pattern]) => pattern.test(name))?.[1];
}

const PORT = /:\d+$/;

const OLLAMA_PORT = ':11434';

/** Whether a host is known to speak Ollama's own API: by its port, or as Ollama's cloud. */
export function isOllamaHost(host: string): boolean {
  return host.endsWith(OLLAMA_PORT) || modelVendor(host) === 'ollama';
}
