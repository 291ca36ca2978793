import { anthropicMessages } from './anthropic-messages.ts';
import type { Protocol, ProtocolName } from './contract.ts';
import { gemini } from './gemini.ts';
import { isOllamaHost } from './model-hosts.ts';
import { ollama } from './ollama.ts';
import { openAiChat } from './openai-chat.ts';
import { openAiEmbeddings } from './openai-embeddings.ts';
import { openAiResponses } from './openai-responses.ts';
import { barePath, isPost } from './paths.ts';

/** Every wire format that can be read, by name. */
export const protocols: Readonly<Record<ProtocolName, Protocol>> = {
  'openai-chat': openAiChat,
  'openai-responses': openAiResponses,
  'openai-embeddings': openAiEmbeddings,
  'anthropic-messages': anthropicMessages,
  gemini,
  ollama,
};

const ALL = Object.values(protocols);

/** How the paths of all of them end: what does not is passed over without a closer look. */
const LAST_WORD = /(?:completions|responses|compact|messages|embeddings|chat|generate|embed|content|contents|predict)$/i;

/**
 * The wire format that a request speaks, by method and path; `undefined` where it is none of ours.
 *
 * @param path URL path; a query is passed over
 * @param host host name, with or without a port, of a server that nobody said to be a model's: there, paths that any site may have
 * (Ollama's `/api/chat`) count only on hosts that are known for them. Left out, they always count
 *
 * @example recogniseProtocol('POST', '/api/v1/chat/completions')?.name // 'openai-chat'
 */
export function recogniseProtocol(method: string, path: string, host?: string): Protocol | undefined {
  if (!isPost(method)) return undefined;
  const bare = barePath(path);
  if (!LAST_WORD.test(bare)) return undefined;
  return ALL.find((protocol) => protocol.matches(method, bare) && (host === undefined || protocol.genericPaths !== true || isOllamaHost(host)));
}
