import type { Protocol } from './contract.ts';
import { askChatForUsage, readChatRequest } from './openai-chat-request.ts';
import { chatDialect, readChatResponse } from './openai-chat-response.ts';
import { postTo } from './paths.ts';
import { DialectReader } from './stream-reader.ts';

const PATH = /\/chat\/completions$|\/(?:v\d+|beta|fim|(?:deployments|engines)\/[^/]+)\/completions$/i;

/**
 * OpenAI's chat completions API, spoken by Azure OpenAI, OpenRouter, vLLM, Ollama and most others, under any path
 * prefix; also the older text completions API, which differs in `prompt` and `text` alone, and which DeepSeek (`/beta`) and Mistral (`/fim`)
 * offer for filling gaps.
 *
 * Sources: OpenAI API reference, "Chat" and "Completions"; Microsoft, "Azure OpenAI REST API reference"; OpenRouter and
 * vLLM docs for what they add.
 */
export const openAiChat: Protocol = {
  name: 'openai-chat',
  matches: (method, path) => postTo(method, path, PATH),
  readRequest: readChatRequest,
  readResponse: readChatResponse,
  streamReader: (options) => new DialectReader(chatDialect(options?.generations)),
  askForStreamUsage: askChatForUsage,
};
