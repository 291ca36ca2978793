import { asString, isObject } from '../core/index.ts';
import { messagesDialect, readMessagesResponse } from './anthropic-messages-response.ts';
import type { Protocol, RequestFacts } from './contract.ts';
import { barePath, postTo } from './paths.ts';
import { ANSWER_OVERHEAD, MESSAGE_OVERHEAD, PromptText } from './prompt-text.ts';
import { DialectReader } from './stream-reader.ts';
import { tokenCount } from './token-count.ts';

/** On Vertex the path names the model; its token counter looks like one more model. */
const PATH = /\/v\d+\/messages$|\/publishers\/anthropic\/models\/(?!count-tokens:)([^/:]+):(?:raw|streamRaw)Predict$/i;

/**
 * Tokens of an image of the largest size that is not scaled down.
 *
 * Source: Anthropic docs, "Vision" (about 1,600 tokens).
 */
const IMAGE_TOKENS = 1600;

/**
 * Tokens of the system prompt that is put before tool definitions, with `tool_choice` auto on Claude 4 models.
 *
 * Source: Anthropic docs, "Pricing", tool use.
 */
const TOOL_PROMPT_TOKENS = 346;

function readRequest(value: unknown, path: string): RequestFacts {
  const body = isObject(value) ? value : {};
  const prompt = new PromptText({ image: () => IMAGE_TOKENS });
  prompt.addContent(body['system']);
  const messages = Array.isArray(body['messages']) ? body['messages'].filter(isObject) : [];
  for (const message of messages) {
    prompt.overhead += MESSAGE_OVERHEAD;
    prompt.addContent(message['content']);
  }
  prompt.overhead += ANSWER_OVERHEAD;
  const tools: readonly unknown[] = Array.isArray(body['tools']) ? body['tools'] : [];
  for (const tool of tools) prompt.addJson(tool);
  if (tools.length > 0) prompt.overhead += TOOL_PROMPT_TOKENS;

  return {
    model: asString(body['model']) ?? PATH.exec(barePath(path))?.[1],
    stream: body['stream'] === true,
    maxOutput: tokenCount(body['max_tokens']),
    generations: 1,
    promptText: prompt.text,
    promptOverhead: prompt.overhead,
    usageInStream: true,
  };
}

/**
 * Anthropic's messages API, under any path prefix, also as Vertex AI offers it. Its streams always carry usage.
 *
 * Sources: Anthropic API reference, "Messages"; docs, "Streaming messages", "Errors", "Stop reasons", "Claude on Vertex AI".
 */
export const anthropicMessages: Protocol = {
  name: 'anthropic-messages',
  matches: (method, path) => postTo(method, path, PATH),
  readRequest,
  readResponse: readMessagesResponse,
  streamReader: () => new DialectReader(messagesDialect),
  askForStreamUsage: () => undefined,
};
