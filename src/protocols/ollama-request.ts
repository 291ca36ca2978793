import { asString, isObject } from '../core/index.ts';
import type { RequestFacts } from './contract.ts';
import { barePath } from './paths.ts';
import { ANSWER_OVERHEAD, MESSAGE_OVERHEAD, PromptText } from './prompt-text.ts';
import { tokenCount } from './token-count.ts';

export const OLLAMA_PATH = /\/api\/(chat|generate|embed|embeddings)$/i;

/** Tokens of an image as LLaVA 1.5 cuts it, 24 × 24 patches; other models make from 256 to some thousands of it. */
const IMAGE_TOKENS = 576;

/** Reads a request of any of the four kinds. Only answers are streamed, and those unless the request says otherwise. */
export function readOllamaRequest(value: unknown, path: string): RequestFacts {
  const body = isObject(value) ? value : {};
  const kind = OLLAMA_PATH.exec(barePath(path))?.[1]?.toLowerCase();
  const embeds = kind === 'embed' || kind === 'embeddings';
  const prompt = new PromptText({ image: () => IMAGE_TOKENS });
  if (embeds) prompt.addContent(kind === 'embed' ? body['input'] : body['prompt']);
  else if (kind === 'generate') addGenerate(prompt, body);
  else addChat(prompt, body);
  const options = isObject(body['options']) ? body['options'] : {};

  return {
    model: asString(body['model']),
    stream: !embeds && body['stream'] !== false,
    // Below zero it sets no bound: -1 for none at all, -2 for what the context holds.
    maxOutput: embeds ? 0 : tokenCount(options['num_predict']),
    generations: 1,
    promptText: prompt.text,
    promptOverhead: prompt.overhead,
    usageInStream: true,
  };
}

function addChat(prompt: PromptText, body: Record<string, unknown>): void {
  const messages = Array.isArray(body['messages']) ? body['messages'].filter(isObject) : [];
  for (const message of messages) {
    prompt.overhead += MESSAGE_OVERHEAD;
    prompt.add(message['thinking']);
    prompt.addContent(message['content']);
    addImages(prompt, message['images']);
    const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'].filter(isObject) : [];
    for (const call of calls) {
      if (!isObject(call['function'])) continue;
      prompt.add(call['function']['name']);
      prompt.addJson(call['function']['arguments']);
    }
  }
  if (messages.length > 0) prompt.overhead += ANSWER_OVERHEAD;
  if (Array.isArray(body['tools'])) for (const tool of body['tools']) prompt.addJson(tool);
}

function addGenerate(prompt: PromptText, body: Record<string, unknown>): void {
  prompt.add(body['system']);
  prompt.add(body['prompt']);
  prompt.add(body['suffix']);
  addImages(prompt, body['images']);
  // The tokens of an earlier exchange.
  if (Array.isArray(body['context'])) prompt.overhead += body['context'].length;
  if (prompt.text !== '') prompt.overhead += MESSAGE_OVERHEAD + ANSWER_OVERHEAD;
}

function addImages(prompt: PromptText, images: unknown): void {
  if (Array.isArray(images)) prompt.overhead += images.length * IMAGE_TOKENS;
}
