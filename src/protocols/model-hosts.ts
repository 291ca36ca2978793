import { recogniseProtocol } from './recognise.ts';

/** Hosts that serve models, exact or (with a leading dot) any name under them. From the vendors' API documentation. */
const MODEL_HOSTS: readonly string[] = [
  'api.openai.com',
  '.openai.azure.com',
  '.cognitiveservices.azure.com',
  '.services.ai.azure.com',
  '.models.ai.azure.com',
  'api.anthropic.com',
  'openrouter.ai',
  'generativelanguage.googleapis.com',
  'aiplatform.googleapis.com',
  '.aiplatform.googleapis.com',
  'api.mistral.ai',
  'codestral.mistral.ai',
  'api.groq.com',
  'api.together.xyz',
  'api.together.ai',
  'api.fireworks.ai',
  'api.deepseek.com',
  'api.x.ai',
  'api.cerebras.ai',
  'api.perplexity.ai',
  'api.cohere.com',
  'api.cohere.ai',
  'api.deepinfra.com',
  'api.sambanova.ai',
  'api.moonshot.ai',
  'api.moonshot.cn',
  'router.huggingface.co',
  'api-inference.huggingface.co',
  'integrate.api.nvidia.com',
  'models.github.ai',
  'api.voyageai.com',
];

/** Regional names: Vertex AI's `us-central1-aiplatform…`, Bedrock's `bedrock-runtime.REGION…`. */
const MODEL_HOST_PATTERN = /-aiplatform\.googleapis\.com$|^bedrock-runtime(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/;

/** Paths that make a model work, in formats that are not read here: Gemini, Bedrock, Cohere, Ollama and the like. */
const GENERATING = [
  /:(?:stream)?generateContent$/i,
  /:(?:batch)?embedContents?$/i,
  /:(?:raw|streamRaw|server(?:Streaming)?)?predict$/i,
  /\/model\/[^/]+\/(?:invoke|invoke-with-response-stream|converse|converse-stream)$/i,
  /\/v\d+\/(?:chat|generate|embed|rerank|classify|completions|moderations)$/i,
  /\/(?:images\/(?:generations|edits)|audio\/(?:speech|transcriptions|translations))$/i,
];

const OLLAMA_PORT = '11434';
const OLLAMA = /^\/api\/(?:chat|generate|embed|embeddings)$/i;

/**
 * Whether a POST to this address looks like a call of a model, readable here or not: what a tap sees go by and the
 * ledger should know of. A path of a known format counts on any host; on known hosts other generating paths do too.
 *
 * @param host host name, with or without a port
 * @param path URL path; a query is passed over
 */
export function looksLikeModelCall(host: string, path: string): boolean {
  const bare = path.replace(/[?#].*$/s, '').replace(/\/+$/, '');
  if (recogniseProtocol('POST', bare) !== undefined) return true;
  const [, name = '', port] = /^(.*?)(?::(\d+))?$/.exec(host.toLowerCase()) ?? [];
  if (port === OLLAMA_PORT) return OLLAMA.test(bare);
  return isModelHost(name) && GENERATING.some((pattern) => pattern.test(bare));
}

function isModelHost(name: string): boolean {
  return MODEL_HOST_PATTERN.test(name) || MODEL_HOSTS.some((known) => (known.startsWith('.') ? name.endsWith(known) : name === known));
}
