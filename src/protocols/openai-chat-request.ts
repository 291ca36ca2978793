import { asString, isObject } from '../core/index.ts';
import type { RequestFacts } from './contract.ts';
import { openAiImageTokens } from './openai-image.ts';
import { azureDeployment } from './paths.ts';
import { ANSWER_OVERHEAD, MESSAGE_OVERHEAD, PromptText } from './prompt-text.ts';
import { tokenCount } from './token-count.ts';

/**
 * Reads a request of the chat completions API, or of the older text completions API (`prompt` in place of `messages`).
 *
 * Tool definitions and a response schema are counted as their JSON, which is more than the compact form that models are
 * shown: the estimate errs upwards, as a reservation should.
 */
export function readChatRequest(value: unknown, path: string): RequestFacts {
  const body = isObject(value) ? value : {};
  const prompt = new PromptText({ image: openAiImageTokens });
  const messages = Array.isArray(body['messages']) ? body['messages'].filter(isObject) : [];
  for (const message of messages) addMessage(prompt, message);
  if (messages.length > 0) prompt.overhead += ANSWER_OVERHEAD;
  addTextPrompt(prompt, body['prompt']);
  prompt.add(body['suffix']);
  for (const tool of [body['tools'], body['functions']]) if (Array.isArray(tool)) for (const entry of tool) prompt.addJson(entry);
  const format = body['response_format'];
  if (isObject(format)) prompt.addJson(format['json_schema']);

  return {
    model: asString(body['model']) ?? azureDeployment(path),
    stream: body['stream'] === true,
    maxOutput: tokenCount(body['max_completion_tokens']) ?? tokenCount(body['max_tokens']),
    generations: Math.max(1, Math.trunc(tokenCount(body['best_of']) ?? 1), Math.trunc(tokenCount(body['n']) ?? 1)),
    promptText: prompt.text,
    promptOverhead: prompt.overhead,
    usageInStream: asksForUsage(body),
  };
}

/**
 * The same request asking for a last chunk with usage, or `undefined` where it asks already or is not streamed.
 *
 * Sources: OpenAI API reference, `stream_options.include_usage`; OpenRouter, "Usage Accounting": it now always sends usage, and takes this and
 * its own `usage.include` without effect.
 */
export function askChatForUsage(body: Record<string, unknown>): Record<string, unknown> | undefined {
  if (body['stream'] !== true || asksForUsage(body)) return undefined;
  const options = isObject(body['stream_options']) ? body['stream_options'] : {};
  return { ...body, stream_options: { ...options, include_usage: true } };
}

function asksForUsage(body: Record<string, unknown>): boolean {
  const options = body['stream_options'];
  const usage = body['usage'];
  return (isObject(options) && options['include_usage'] === true) || (isObject(usage) && usage['include'] === true);
}

function addMessage(prompt: PromptText, message: Record<string, unknown>): void {
  prompt.overhead += MESSAGE_OVERHEAD;
  if (typeof message['name'] === 'string') {
    prompt.add(message['name']);
    prompt.overhead += 1;
  }
  prompt.addContent(message['content']);
  prompt.add(message['refusal']);
  prompt.add(message['reasoning_content'] ?? message['reasoning']);
  const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'].filter(isObject) : [];
  for (const call of calls) {
    addCall(prompt, call['function']);
    addCall(prompt, call['custom']);
  }
  addCall(prompt, message['function_call']);
}

function addCall(prompt: PromptText, call: unknown): void {
  if (!isObject(call)) return;
  prompt.add(call['name']);
  prompt.addContent(call['arguments'] ?? call['input']);
}

/** A text prompt is a string, several, or tokens already counted out. */
function addTextPrompt(prompt: PromptText, value: unknown): void {
  if (typeof value === 'string') prompt.add(value);
  else if (Array.isArray(value)) {
    if (value.every((token) => typeof token === 'number')) prompt.overhead += value.length;
    else for (const entry of value) addTextPrompt(prompt, entry);
  }
}
