import { isObject } from '../core/index.ts';
import type { RequestFacts } from './contract.ts';
import { readGeminiPath } from './gemini-path.ts';
import { barePath } from './paths.ts';
import { ANSWER_OVERHEAD, MESSAGE_OVERHEAD, PromptText } from './prompt-text.ts';
import { tokenCount } from './token-count.ts';

/**
 * Tokens of one image of up to 384 × 384 pixels, and of each tile of a larger one; sizes are not known from the request.
 *
 * Source: Gemini API docs, "Understand and count tokens".
 */
const IMAGE_TOKENS = 258;

/** Reads a request. What its `cachedContent` brings along is not in it and cannot be counted. */
export function readGeminiRequest(value: unknown, path: string): RequestFacts {
  const body = isObject(value) ? value : {};
  const call = readGeminiPath(barePath(path));
  const prompt = new PromptText({ image: () => IMAGE_TOKENS });
  const embeds = call?.method === 'embedContent' || call?.method === 'batchEmbedContents';
  const config = objectAt(body, 'generationConfig');
  if (embeds) addEmbedded(prompt, body);
  else addPrompt(prompt, body, config);

  return {
    model: call?.model,
    stream: call?.method === 'streamGenerateContent',
    maxOutput: embeds ? 0 : tokenCount(at(config, 'maxOutputTokens')),
    generations: Math.max(1, Math.trunc(tokenCount(at(config, 'candidateCount')) ?? 1)),
    promptText: prompt.text,
    promptOverhead: prompt.overhead,
    usageInStream: true,
  };
}

function addPrompt(prompt: PromptText, body: Record<string, unknown>, config: Record<string, unknown>): void {
  addContent(prompt, at(body, 'systemInstruction'));
  for (const content of listOf(body['contents'])) addContent(prompt, content);
  prompt.overhead += ANSWER_OVERHEAD;
  for (const tool of listOf(body['tools'])) prompt.addJson(tool);
  prompt.addJson(at(config, 'responseSchema') ?? at(config, 'responseJsonSchema'));
}

/** One text, or several in `requests`. */
function addEmbedded(prompt: PromptText, body: Record<string, unknown>): void {
  addParts(prompt, body['content']);
  for (const request of listOf(body['requests'])) if (isObject(request)) addParts(prompt, request['content']);
}

function addContent(prompt: PromptText, content: unknown): void {
  if (content === undefined || content === null) return;
  prompt.overhead += MESSAGE_OVERHEAD;
  addParts(prompt, content);
}

function addParts(prompt: PromptText, content: unknown): void {
  if (typeof content === 'string') return prompt.add(content);
  if (!isObject(content)) return;
  for (const part of listOf(content['parts'])) {
    if (typeof part === 'string') prompt.add(part);
    else if (isObject(part)) addPart(prompt, part);
  }
}

function addPart(prompt: PromptText, part: Record<string, unknown>): void {
  prompt.add(part['text']);
  // Pages and seconds cannot be told from the request; one image's worth is a floor.
  if (isObject(at(part, 'inlineData')) || isObject(at(part, 'fileData'))) prompt.overhead += IMAGE_TOKENS;
  for (const [key, content] of [['functionCall', 'args'], ['functionResponse', 'response']] as const) {
    const call = at(part, key);
    if (!isObject(call)) continue;
    prompt.add(call['name']);
    prompt.addJson(call[content]);
  }
  const code = at(part, 'executableCode');
  if (isObject(code)) prompt.add(code['code']);
  const result = at(part, 'codeExecutionResult');
  if (isObject(result)) prompt.add(result['output']);
}

function objectAt(value: Record<string, unknown>, name: string): Record<string, unknown> {
  const found = at(value, name);
  return isObject(found) ? found : {};
}

/** A member by its name in JSON, or as protocol buffers spell it: Google's servers take both. */
function at(value: Record<string, unknown>, name: string): unknown {
  return value[name] ?? value[name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
}

/** A list; one member may stand alone. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}
