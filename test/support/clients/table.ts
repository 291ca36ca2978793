import type { CallFate, SeenBy } from '../../../src/core/index.ts';
import type { ProtocolName } from '../../../src/protocols/index.ts';
import { BROKEN_OFF } from './provider.ts';

/** What the ledger must have of one case. */
export interface Expected {
  /** Its rows in the order they left: how they ended, and which try they were where not the first. */
  readonly calls: readonly (CallFate | `${CallFate} ${number}`)[];
  readonly via?: SeenBy;
  readonly protocol?: ProtocolName;
  /** The library decides how often, with luck: as often as the provider was asked. */
  readonly repeated?: true;
  /** The provider never had them. */
  readonly neverArrived?: true;
  /** Nobody said how many tokens it took, so they are reckoned. */
  readonly estimated?: true;
  /** Tokens of calls that were not told to their end, or not listened to, as far as they were told. */
  readonly prompt?: number;
  readonly completion?: number;
}

const ok: Expected = { calls: ['ok'] };
const twice: Expected = { calls: ['ok', 'ok'] };
const many: Expected = { calls: Array.from({ length: 20 }, () => 'ok' as const) };
const retried: Expected = { calls: ['rate_limited', 'rate_limited 1', 'ok 2'] };
const failing: Expected = { calls: ['http_error'] };
const failingThrice: Expected = { calls: ['http_error', 'http_error 1', 'http_error 2'] };
const rubbish: Expected = { calls: ['malformed'] };
const cut: Expected = { calls: ['cut'] };
const hungUp: Expected = { calls: ['network_error'] };
const gone: Expected = { calls: ['network_error'], neverArrived: true };
const aborted: Expected = { calls: ['aborted'] };
const nothing: Expected = { calls: [] };

const responses = { ...ok, protocol: 'openai-responses' } as const;
const embeddings = { ...ok, protocol: 'openai-embeddings' } as const;
const messages = { protocol: 'anthropic-messages' } as const;
/** The prompt's tokens are told at the stream's beginning. */
const begun = { ...messages, prompt: BROKEN_OFF.usage.prompt_tokens } as const;
const overHttp = { via: 'node-http' } as const;
const gemini = { protocol: 'gemini' } as const;
const ollama = { protocol: 'ollama' } as const;

/** Every case of every client library. Unless it says otherwise, a call is a chat completion that the undici tap saw. */
export const TABLE: Readonly<Record<string, Readonly<Record<string, Expected>>>> = {
  openai: {
    'openai-chat': ok,
    'openai-stream': ok,
    'openai-stream-with-usage': ok,
    'openai-stream-helper': ok,
    'openai-stream-readable': ok,
    'openai-stream-tee': ok,
    'openai-parse': ok,
    'openai-run-tools': twice,
    'openai-run-tools-stream': twice,
    'openai-as-response': ok,
    'openai-stream-as-response': ok,
    'openai-with-response': ok,
    'openai-responses': responses,
    'openai-responses-stream': responses,
    'openai-responses-helper': responses,
    'openai-embeddings': embeddings,
    'openai-embeddings-float': embeddings,
    'openai-azure': ok,
    'openai-azure-stream': ok,
    'openai-own-fetch': ok,
    'openai-own-fetch-stream': ok,
    'openai-npm-fetch': ok,
    'openai-dispatcher': ok,
    'openai-dispatcher-stream': ok,
    'openai-tls': ok,
    'openai-many': many,
    'openai-retried': retried,
    'openai-stream-retried': retried,
    'openai-failing': failingThrice,
    'openai-filtered': { calls: ['blocked'] },
    'openai-rubbish': rubbish,
    'openai-hung-up': hungUp,
    'openai-cut': cut,
    'openai-gone': gone,
    'openai-break': aborted,
    'openai-abort': aborted,
    'openai-abort-signal': aborted,
    'openai-abort-helper': aborted,
    'openai-abort-before': nothing,
  },
  'openai 4': {
    'openai4-chat': { ...ok, ...overHttp },
    'openai4-stream': { ...ok, ...overHttp, estimated: true },
    'openai4-stream-with-usage': { ...ok, ...overHttp },
    'openai4-as-response': { ...ok, ...overHttp },
    'openai4-embeddings': { ...embeddings, ...overHttp },
    'openai4-retried': { ...retried, ...overHttp },
    'openai4-stream-retried': { ...retried, ...overHttp },
    'openai4-failing': { ...failing, ...overHttp },
    'openai4-rubbish': { ...rubbish, ...overHttp },
    'openai4-hung-up': { ...hungUp, ...overHttp },
    'openai4-cut': { ...cut, ...overHttp },
    'openai4-break': { ...aborted, ...overHttp },
  },
  anthropic: {
    'anthropic-create': { ...ok, ...messages },
    'anthropic-stream': { ...ok, ...messages },
    'anthropic-stream-helper': { ...ok, ...messages },
    'anthropic-as-response': { ...ok, ...messages },
    'anthropic-with-response': { ...ok, ...messages },
    'anthropic-retried': { ...retried, ...messages },
    'anthropic-failing': { ...failingThrice, ...messages },
    'anthropic-rubbish': { ...rubbish, ...messages },
    'anthropic-hung-up': { ...hungUp, ...messages },
    'anthropic-cut': { ...cut, ...begun },
    'anthropic-break': { ...aborted, ...begun },
    'anthropic-abort-helper': { ...aborted, ...begun },
  },
  'ai sdk': {
    'ai-generate': responses,
    'ai-generate-chat': ok,
    'ai-generate-anthropic': { ...ok, ...messages },
    'ai-generate-compatible': ok,
    'ai-stream': responses,
    'ai-stream-chat': ok,
    'ai-stream-anthropic': { ...ok, ...messages },
    'ai-stream-compatible': ok,
    'ai-object': ok,
    'ai-tools': twice,
    'ai-embed': embeddings,
    'ai-embed-many': embeddings,
    'ai-retried': retried,
    'ai-failing': failing,
    'ai-rubbish': rubbish,
    'ai-cut': cut,
    'ai-abort': aborted,
  },
  langchain: {
    'langchain-invoke': ok,
    'langchain-stream': ok,
    'langchain-stream-without-usage': ok,
    'langchain-batch': { calls: ['ok', 'ok', 'ok'] },
    'langchain-responses': responses,
    'langchain-structured': ok,
    'langchain-tool-loop': twice,
    'langchain-embed-query': embeddings,
    'langchain-embed-documents': embeddings,
    'langchain-retried': retried,
    'langchain-failing': failing,
    'langchain-cut': cut,
    'langchain-break': aborted,
  },
  // Besides, each case has what is embedded.
  mem0: {
    'mem0-add': { ...ok, ...overHttp },
    'mem0-add-embeddings': { ...embeddings, ...overHttp, repeated: true },
    'mem0-search': nothing,
    'mem0-search-embeddings': { ...embeddings, ...overHttp, repeated: true },
  },
  undici: {
    'undici-request': ok,
    'undici-request-stream': ok,
    'undici-request-generator': ok,
    'undici-request-bytes': ok,
    'undici-fetch': ok,
    'undici-fetch-stream': ok,
    'undici-stream': ok,
    'undici-pipeline': ok,
    'undici-pool': ok,
    'undici-pool-many': many,
    'undici-client': ok,
    'undici-agent': ok,
    'undici-tls': ok,
    'undici-proxy': ok,
    'undici-tunnel': ok,
    'undici-composed': ok,
    'undici-retry-agent': retried,
    'undici-dispatch': ok,
    'undici-failing': failing,
    'undici-rubbish': rubbish,
    'undici-hung-up': hungUp,
    'undici-cut': cut,
    'undici-destroy': aborted,
    'undici-abort': aborted,
    'undici-dump': ok,
  },
  axios: {
    'axios-http': { ...ok, ...overHttp },
    'axios-http-stream': { ...ok, ...overHttp },
    'axios-http-stream-without-usage': { ...ok, ...overHttp, estimated: true },
    'axios-https': { ...ok, ...overHttp },
    'axios-https-untrusted': { ...gone, ...overHttp },
    'axios-http-many': { ...many, ...overHttp },
    'axios-http-throttled': { ...overHttp, calls: ['rate_limited'] },
    'axios-http-failing': { ...failing, ...overHttp },
    'axios-http-rubbish': { ...rubbish, ...overHttp },
    'axios-http-hung-up': { ...hungUp, ...overHttp },
    'axios-http-gone': { ...gone, ...overHttp },
    'axios-http-cut': { ...cut, ...overHttp },
    'axios-http-break': { ...aborted, ...overHttp },
    'axios-fetch': ok,
    'axios-fetch-stream': ok,
    'axios-fetch-failing': failing,
  },
  fetch: {
    'fetch-json': ok,
    'fetch-stream': ok,
    'fetch-request': ok,
    'fetch-streamed-body': ok,
    'fetch-blob': ok,
    'fetch-bytes': ok,
    'fetch-clone': ok,
    'fetch-unread': ok,
    'fetch-failing': failing,
    'fetch-hung-up': hungUp,
    'fetch-gone': gone,
    'fetch-cut': cut,
    'fetch-cancel': aborted,
    'fetch-abort': aborted,
    'fetch-timeout': { calls: ['ok', 'timeout'] },
  },
  'node:http': {
    'http-json': { ...ok, ...overHttp },
    'http-chunked': { ...ok, ...overHttp },
    'http-stream': { ...ok, ...overHttp },
    'http-stream-without-usage': { ...ok, ...overHttp, estimated: true },
    'http-set-encoding': { ...ok, ...overHttp },
    'http-tls': { ...ok, ...overHttp },
    'http-unread': { ...ok, ...overHttp },
    'http-failing': { ...failing, ...overHttp },
    'http-hung-up': { ...hungUp, ...overHttp },
    'http-gone': { ...gone, ...overHttp },
    'http-cut': { ...cut, ...overHttp },
    'http-destroy': { ...aborted, ...overHttp },
  },
  'google genai': {
    'genai-generate': { ...ok, ...gemini },
    'genai-stream': { ...ok, ...gemini },
    'genai-chat': { ...twice, ...gemini },
    'genai-embed': { ...ok, ...gemini, estimated: true },
    'genai-failing': { ...failing, ...gemini },
    'genai-cut': { ...cut, ...gemini },
    // The SDK goes on receiving what nobody reads.
    'genai-break': { ...ok, ...gemini, prompt: BROKEN_OFF.usage.prompt_tokens, completion: BROKEN_OFF.usage.completion_tokens },
  },
  ollama: {
    'ollama-chat': { ...ok, ...ollama },
    'ollama-stream': { ...ok, ...ollama },
    'ollama-generate': { ...ok, ...ollama },
    'ollama-embed': { ...ok, ...ollama },
    'ollama-failing': { ...failing, ...ollama },
    // As above; the mock says that it took no tokens.
    'ollama-break': { ...ok, ...ollama },
  },
};
