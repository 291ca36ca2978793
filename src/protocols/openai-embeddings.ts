import { asString, isObject, parseJson, UNKNOWN_USAGE } from '../core/index.ts';
import type { Protocol, RequestFacts, ResponseFacts, StreamReader } from './contract.ts';
import { readEmbeddingsUsage } from './openai-usage.ts';
import { openAiImageTokens } from './openai-image.ts';
import { azureDeployment, postTo } from './paths.ts';
import { PromptText } from './prompt-text.ts';
import { readErrorBody } from './provider-error.ts';
import { errorFacts, isSuccess, MALFORMED_FACTS, NO_FACTS } from './response-facts.ts';
import { Utf8Decoder } from './utf8-decoder.ts';

// Ollama's own `/api/embeddings` is another format; `/api/v1/embeddings` is this one.
const PATH = /(?<!\/api)\/embeddings$/i;

function readRequest(value: unknown, path: string): RequestFacts {
  const body = isObject(value) ? value : {};
  const prompt = new PromptText({ image: openAiImageTokens });
  addInput(prompt, body['input']);
  return {
    model: asString(body['model']) ?? azureDeployment(path),
    stream: false,
    maxOutput: 0,
    generations: 1,
    promptText: prompt.text,
    promptOverhead: prompt.overhead,
    usageInStream: true,
  };
}

/** Input is a text, several, one array of tokens or several: tokens are counted exactly. */
function addInput(prompt: PromptText, input: unknown): void {
  if (!Array.isArray(input)) return prompt.addContent(input);
  if (input.length > 0 && input.every((token) => typeof token === 'number')) {
    prompt.overhead += input.length;
    return;
  }
  for (const entry of input) {
    if (Array.isArray(entry) && entry.every((token) => typeof token === 'number')) prompt.overhead += entry.length;
    else prompt.addContent(entry);
  }
}

function readResponse(status: number, body: string): ResponseFacts {
  if (!isSuccess(status)) return errorFacts(readErrorBody(status, body));
  const data = parseJson(body);
  if (!isObject(data)) return MALFORMED_FACTS;
  if (data['error'] !== undefined && data['error'] !== null) return errorFacts(readErrorBody(status, body));
  if (!Array.isArray(data['data'])) return MALFORMED_FACTS;
  return {
    ...NO_FACTS,
    model: asString(data['model']),
    requestId: asString(data['id']),
    usage: readEmbeddingsUsage(data['usage']) ?? UNKNOWN_USAGE,
    complete: true,
  };
}

/** Embeddings are never streamed: the pieces of one body are put together again. */
class BodyReader implements StreamReader {
  readonly #decoder = new Utf8Decoder();
  #text = '';

  get started(): boolean {
    return this.#text !== '';
  }

  push(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes);
  }

  facts(): ResponseFacts {
    return this.#text === '' ? NO_FACTS : readResponse(200, this.#text);
  }
}

/**
 * OpenAI's embeddings API, also Azure's. It has answers of numbers, which are not read, and no output tokens.
 *
 * Source: OpenAI API reference, "Create embeddings".
 */
export const openAiEmbeddings: Protocol = {
  name: 'openai-embeddings',
  matches: (method, path) => postTo(method, path, PATH),
  readRequest,
  readResponse,
  streamReader: () => new BodyReader(),
  askForStreamUsage: () => undefined,
};
