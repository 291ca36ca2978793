import { asString } from '../../core/index.ts';
import { makeAsk } from '../ask.ts';
import { embed } from '../embed.ts';
import type { WireFormat } from './format.ts';
import { positiveInteger } from './read-fields.ts';

const USUAL_DIMENSIONS = 256;
const MOST_DIMENSIONS = 4096;

interface EmbeddingShape {
  readonly dimensions: number;
  readonly base64: boolean;
}

/** OpenAI's embeddings, as numbers or base64 ("Embeddings" in the API reference). Of 256 dimensions unless asked for others. */
export const openaiEmbeddings: WireFormat = {
  endpoint: 'embeddings',
  generates: false,
  read: (body, modelInPath) => {
    const model = modelInPath ?? asString(body['model']);
    if (model === undefined) return { kind: 'missing', param: 'model' };
    if (body['input'] === undefined) return { kind: 'missing', param: 'input' };
    const texts = readInput(body['input']);
    if (texts === undefined) return { kind: 'invalid', param: 'input' };
    const dimensions = positiveInteger(body['dimensions']) ?? USUAL_DIMENSIONS;
    if (dimensions === 'invalid' || dimensions > MOST_DIMENSIONS) return { kind: 'invalid', param: 'dimensions' };
    const shape: EmbeddingShape = { dimensions, base64: body['encoding_format'] === 'base64' };
    return { ...makeAsk({ model, messages: texts.map((text) => ({ role: 'user', text })) }), ...shape };
  },
  promptTokens: (ask, tokenizer) => ask.messages.reduce((sum, { text }) => sum + tokenizer.count(text), 0),
  whole: (reply, ask) => {
    const { dimensions, base64 } = ask as typeof ask & EmbeddingShape;
    return {
      object: 'list',
      data: ask.messages.map(({ text }, index) => {
        const vector = embed(text, dimensions);
        return { object: 'embedding', index, embedding: base64 ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector) };
      }),
      model: reply.model,
      ...(reply.showUsage ? { usage: { prompt_tokens: reply.usage.prompt, total_tokens: reply.usage.prompt } } : {}),
    };
  },
};

/** Texts to embed: one, several, or lists of token numbers, which stand for a text of as many words. */
function readInput(input: unknown): string[] | undefined {
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input) || input.length === 0) return undefined;
  if (input.every((item) => typeof item === 'string')) return input;
  if (input.every((item) => typeof item === 'number')) return [input.join(' ')];
  return input.every((item) => Array.isArray(item)) ? input.map((item) => item.join(' ')) : undefined;
}
