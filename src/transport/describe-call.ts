import { isObject, newId, parseJson } from '../core/index.ts';
import { loadTokenizer, recogniseProtocol } from '../protocols/index.ts';
import type { MeteredRequest } from './metered-call.ts';
import type { Places } from './place.ts';

/** A request that somebody else made. */
export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text, not compressed. */
  readonly body: string;
}

/** What limiting and recording need to know of it. */
export type DescribedCall = Pick<MeteredRequest, 'url' | 'headers' | 'protocol' | 'asked' | 'countTokens' | 'deployment' | 'target' | 'simulated' | 'logicalId' | 'retry'> & {
  /** The same request asking for usage in its stream, where it does not and its format only says so when asked. */
  readonly bodyWithUsage: string | undefined;
};

/** SDKs made with Stainless (OpenAI, Anthropic and others) say which try a request is. */
const RETRY_HEADER = 'x-stainless-retry-count';

/** LangChain.js turns off the retries of the SDKs that it sends with and makes its own: those say of each that it is the first. */
const RETRIES_ITSELF = /^langchainjs/;

/** Whether a request says itself which try it is. */
export function saysWhichTry(headers: Readonly<Record<string, string>>): boolean {
  return headers[RETRY_HEADER] !== undefined && !RETRIES_ITSELF.test(headers['user-agent'] ?? '');
}

/** Ollama's own clients say who they are: what they call speaks as Ollama does, wherever it is. Seen in ollama-js and ollama-python. */
const OLLAMA_CLIENT = /^ollama-(?:js|python)\//;

/** Reads a request to a model; `undefined` where it is none in a format of ours. Never throws. */
export function describeCall({ method, url, headers, body }: SeenRequest, places: Places): DescribedCall | undefined {
  const known = places.knows(url) || OLLAMA_CLIENT.test(headers['user-agent'] ?? '');
  const protocol = recogniseProtocol(method, url.pathname, known ? undefined : url.host);
  if (protocol === undefined) return undefined;
  const parsed = parseJson(body);
  const asked = protocol.readRequest(parsed, url.pathname);
  const asking = isObject(parsed) ? protocol.askForStreamUsage(parsed) : undefined;
  const { deployment, simulated } = places.of(url, protocol.name, asked.model);
  const retry = Number(headers[RETRY_HEADER] ?? 0);
  return {
    url: url.href,
    headers,
    protocol,
    asked,
    countTokens: () => loadTokenizer(asked.model),
    deployment,
    target: null,
    simulated,
    logicalId: newId(),
    retry: Number.isSafeInteger(retry) && retry > 0 ? retry : 0,
    bodyWithUsage: asking === undefined ? undefined : JSON.stringify(asking),
  };
}
