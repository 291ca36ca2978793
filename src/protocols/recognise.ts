import { anthropicMessages } from './anthropic-messages.ts';
import type { Protocol, ProtocolName } from './contract.ts';
import { openAiChat } from './openai-chat.ts';
import { openAiEmbeddings } from './openai-embeddings.ts';
import { openAiResponses } from './openai-responses.ts';

/** Every wire format that can be read, by name. */
export const protocols: Readonly<Record<ProtocolName, Protocol>> = {
  'openai-chat': openAiChat,
  'openai-responses': openAiResponses,
  'openai-embeddings': openAiEmbeddings,
  'anthropic-messages': anthropicMessages,
};

/**
 * The wire format that a request speaks, by method and path; `undefined` where it is none of ours.
 *
 * @example recogniseProtocol('POST', '/api/v1/chat/completions')?.name // 'openai-chat'
 */
export function recogniseProtocol(method: string, path: string): Protocol | undefined {
  return Object.values(protocols).find((protocol) => protocol.matches(method, path));
}
