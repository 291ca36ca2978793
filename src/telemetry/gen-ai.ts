/**
 * Names of the GenAI semantic conventions, as of 1.4x, when they were last part of the general ones
 * (https://opentelemetry.io/docs/specs/semconv/gen-ai/). They are in development, and their constants marked as deprecated in the package
 * since they moved to a repository of their own.
 */
export const GEN_AI = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  requestStream: 'gen_ai.request.stream',
  responseModel: 'gen_ai.response.model',
  responseId: 'gen_ai.response.id',
  finishReasons: 'gen_ai.response.finish_reasons',
  timeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheCreationTokens: 'gen_ai.usage.cache_creation.input_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  tokenType: 'gen_ai.token.type',
  inputMessages: 'gen_ai.input.messages',
  outputMessages: 'gen_ai.output.messages',
} as const;

/** Names of our own, for what the conventions have no word for. */
export const ASSAY = {
  run: 'assay.run.id',
  runName: 'assay.run.name',
  runStatus: 'assay.run.status',
  runResumes: 'assay.run.resumes',
  suites: 'assay.run.suites',
  targets: 'assay.run.targets',
  goal: 'assay.goal.index',
  goalText: 'assay.goal.text',
  plugin: 'assay.goal.plugin',
  variant: 'assay.goal.variant',
  repeat: 'assay.goal.repeat',
  outcome: 'assay.goal.outcome',
  blocked: 'assay.goal.blocked',
  errorSource: 'assay.error.source',
  trial: 'assay.trial',
  attempt: 'assay.attempt.key',
  branch: 'assay.branch',
  role: 'assay.role',
  phase: 'assay.phase',
  call: 'assay.call.id',
  logicalCall: 'assay.call.logical_id',
  status: 'assay.call.status',
  retry: 'assay.call.retry',
  waitedMs: 'assay.call.waited_ms',
  reservedTokens: 'assay.call.reserved_tokens',
  via: 'assay.call.via',
  protocol: 'assay.call.protocol',
  deployment: 'assay.deployment',
  target: 'assay.target',
  requestId: 'assay.call.request_id',
  costUsd: 'assay.cost.usd',
  usageSource: 'assay.usage.source',
  simulated: 'assay.simulated',
  replayed: 'assay.replayed',
} as const;

/** What a wire format does. */
const OPERATIONS: Readonly<Record<string, string>> = {
  'openai-chat': 'chat',
  'openai-responses': 'chat',
  'anthropic-messages': 'chat',
  ollama: 'chat',
  gemini: 'generate_content',
  'openai-embeddings': 'embeddings',
};

export function operationOf(protocol: string): string {
  return OPERATIONS[protocol] ?? protocol;
}

/** The conventions' names of providers that a deployment names otherwise. */
const PROVIDERS: Readonly<Record<string, string>> = {
  azure: 'azure.ai.openai',
  bedrock: 'aws.bedrock',
  gemini: 'gcp.gemini',
  vertex: 'gcp.vertex_ai',
  mistral: 'mistral_ai',
  moonshot: 'moonshot_ai',
  xai: 'x_ai',
};

const AZURE_DOMAIN = '.openai.azure.com';

/** Whose models a deployment serves, and where, as far as its name tells. */
export interface ServerFacts {
  readonly provider: string;
  readonly address?: string;
  readonly port?: number;
}

/** @param deployment `provider/account-or-host/model-or-deployment` */
export function serverOf(deployment: string): ServerFacts {
  const [named = 'unknown', account = ''] = deployment.split('/', 2);
  const provider = PROVIDERS[named] ?? named;
  // An account is no address; the usual domain stands behind a resource of Azure's.
  const host = named === 'azure' && /^[\w-]+$/.test(account) ? `${account}${AZURE_DOMAIN}` : account;
  const parsed = /[.:]|^localhost$/.test(host) ? URL.parse(`http://${host}`) : null;
  if (parsed === null || parsed.hostname === '') return { provider };
  const address = parsed.hostname.replace(/^\[|\]$/g, '');
  const port = /:(\d+)$/.exec(host)?.[1];
  if (port !== undefined) return { provider, address, port: Number(port) };
  // The scheme is not in the name. What a vendor serves is behind HTTPS; of other endpoints it is not known.
  return named === 'compat' ? { provider, address } : { provider, address, port: 443 };
}
