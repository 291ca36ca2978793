import type { Protocol } from './contract.ts';
import { jsonLines } from './json-lines.ts';
import { OLLAMA_PATH, readOllamaRequest } from './ollama-request.ts';
import { ollamaDialect, readOllamaResponse } from './ollama-response.ts';
import { postTo } from './paths.ts';
import { DialectReader } from './stream-reader.ts';

/**
 * Ollama's own API: chat, generate and embeddings. Its streams are JSON lines, the last of which carries usage. (What it speaks under
 * `/v1` is OpenAI's.)
 *
 * Sources: Ollama docs, "API reference", "Streaming", "Errors".
 */
export const ollama: Protocol = {
  name: 'ollama',
  matches: (method, path) => postTo(method, path, OLLAMA_PATH),
  genericPaths: true,
  readRequest: readOllamaRequest,
  readResponse: readOllamaResponse,
  streamReader: () => new DialectReader(ollamaDialect, jsonLines),
  askForStreamUsage: () => undefined,
};
