import type { Protocol } from './contract.ts';
import { geminiFraming } from './gemini-framing.ts';
import { GEMINI_PATH } from './gemini-path.ts';
import { readGeminiRequest } from './gemini-request.ts';
import { geminiDialect, readGeminiResponse } from './gemini-response.ts';
import { postTo } from './paths.ts';
import { DialectReader } from './stream-reader.ts';

/**
 * Google's Gemini API and Vertex AI's: answers, streamed or not, and embeddings. The path names the model. Streams always carry usage.
 *
 * Sources: Gemini API reference, "Generating content" and "Embeddings"; Vertex AI reference, "Generate content with the Gemini API".
 */
export const gemini: Protocol = {
  name: 'gemini',
  matches: (method, path) => postTo(method, path, GEMINI_PATH),
  readRequest: readGeminiRequest,
  readResponse: readGeminiResponse,
  streamReader: (options) => new DialectReader(geminiDialect(options?.generations), geminiFraming),
  askForStreamUsage: () => undefined,
};
