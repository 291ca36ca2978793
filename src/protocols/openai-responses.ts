import { asString, isObject } from '../core/index.ts';
import type { Protocol, RequestFacts } from './contract.ts';
import { openAiImageTokens } from './openai-image.ts';
import { readResponsesResponse, responsesDialect } from './openai-responses-response.ts';
import { azureDeployment, postTo } from './paths.ts';
import { ANSWER_OVERHEAD, MESSAGE_OVERHEAD, PromptText } from './prompt-text.ts';
import { DialectReader } from './stream-reader.ts';
import { tokenCount } from './token-count.ts';

// A bare `/responses` is too common a word to be taken for this API. Compaction takes the same request and also makes a model work.
const PATH = /\/(?:v\d+|openai|alpha|beta|deployments\/[^/]+)\/responses(?:\/compact)?$/i;

/** Reads a request. What a `previous_response_id` or a `conversation` brings along is not in it and cannot be counted. */
function readRequest(value: unknown, path: string): RequestFacts {
  const body = isObject(value) ? value : {};
  const prompt = new PromptText({ image: openAiImageTokens });
  if (typeof body['instructions'] === 'string') addItem(prompt, body['instructions']);
  else if (Array.isArray(body['instructions'])) for (const item of body['instructions']) addItem(prompt, item);
  const input = body['input'];
  for (const item of Array.isArray(input) ? input : [input]) if (item !== undefined) addItem(prompt, item);
  prompt.overhead += ANSWER_OVERHEAD;
  if (isObject(body['prompt'])) prompt.addJson(body['prompt']['variables']);
  if (Array.isArray(body['tools'])) for (const tool of body['tools']) prompt.addJson(tool);
  const format = isObject(body['text']) ? body['text']['format'] : undefined;
  if (isObject(format)) prompt.addJson(format['schema']);

  return {
    model: asString(body['model']) ?? azureDeployment(path),
    stream: body['stream'] === true,
    maxOutput: tokenCount(body['max_output_tokens']),
    generations: 1,
    promptText: prompt.text,
    promptOverhead: prompt.overhead,
    usageInStream: true,
  };
}

function addItem(prompt: PromptText, item: unknown): void {
  prompt.overhead += MESSAGE_OVERHEAD;
  if (!isObject(item)) return prompt.addContent(item);
  switch (item['type'] ?? 'message') {
    case 'message':
      return prompt.addContent(item['content']);
    case 'function_call':
    case 'custom_tool_call':
      prompt.add(item['name']);
      return prompt.addContent(item['arguments'] ?? item['input']);
    case 'function_call_output':
    case 'custom_tool_call_output':
      return prompt.addContent(item['output']);
    case 'reasoning':
      prompt.addContent(item['summary']);
      return prompt.addContent(item['content']);
    case 'item_reference':
      return;
    default:
      return prompt.addContent(item);
  }
}

/**
 * OpenAI's responses API, also Azure's and OpenRouter's. Its streams always carry usage, in their last event.
 *
 * Source: OpenAI API reference, "Responses" and "Responses streaming".
 */
export const openAiResponses: Protocol = {
  name: 'openai-responses',
  matches: (method, path) => postTo(method, path, PATH),
  readRequest,
  readResponse: readResponsesResponse,
  streamReader: () => new DialectReader(responsesDialect),
  askForStreamUsage: () => undefined,
};
