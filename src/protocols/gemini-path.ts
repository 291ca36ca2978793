/** What a call of Google's API does, and the model that its path names. */
export interface GeminiCall {
  readonly model: string;
  readonly method: 'generateContent' | 'streamGenerateContent' | 'embedContent' | 'batchEmbedContents';
}

/** `models/MODEL:METHOD`; on Vertex also under `publishers/google/` and as `endpoints/ID:METHOD`. */
export const GEMINI_PATH = /\/([^/]+):(generateContent|streamGenerateContent|embedContent|batchEmbedContents)$/;

/** Reads a path without its query; `undefined` where it is none of a model call. */
export function readGeminiPath(path: string): GeminiCall | undefined {
  const [, model, method] = GEMINI_PATH.exec(path) ?? [];
  if (model === undefined || method === undefined) return undefined;
  return { model: decoded(model), method: method as GeminiCall['method'] };
}

function decoded(text: string): string {
  try {
    // Some clients encode the whole of `models/NAME`.
    return decodeURIComponent(text).replace(/^.*\//s, '');
  } catch {
    return text;
  }
}
