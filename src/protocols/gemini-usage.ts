import { isObject, type Usage } from '../core/index.ts';
import { tokenCount } from './token-count.ts';

/**
 * Reads Google's `usageMetadata` into disjoint buckets. `undefined` where it holds no count.
 *
 * `promptTokenCount` includes what was read from a cache; results of tools that Google ran come on top of it, in
 * `toolUsePromptTokenCount`. `candidatesTokenCount` excludes thoughts, unless the total says that it does not. Counts of zero are left out,
 * so at the end of an answer a missing count of candidates follows from the total; before it, it means nothing.
 *
 * Sources: Gemini API reference, `UsageMetadata`; Vertex AI reference, `GenerateContentResponse`.
 *
 * @param ended whether the answer came to its end
 */
export function readGeminiUsage(value: unknown, ended: boolean): Usage | undefined {
  if (!isObject(value)) return undefined;
  const prompt = tokenCount(value['promptTokenCount']);
  const cached = tokenCount(value['cachedContentTokenCount']);
  const tools = tokenCount(value['toolUsePromptTokenCount']);
  const thoughts = tokenCount(value['thoughtsTokenCount']);
  const total = tokenCount(value['totalTokenCount']);
  const reported = tokenCount(value['candidatesTokenCount']);
  if ([prompt, tools, thoughts, reported].every((count) => count === undefined)) return undefined;

  const cacheRead = cached === undefined || prompt === undefined ? cached : Math.min(cached, prompt);
  const inputFresh = prompt === undefined ? tools : prompt - (cacheRead ?? 0) + (tools ?? 0);
  const left = total === undefined || prompt === undefined ? undefined : Math.max(0, total - prompt - (tools ?? 0));
  const candidates = reported ?? (ended && left !== undefined ? Math.max(0, left - (thoughts ?? 0)) : undefined);
  // Some versions of the API count thoughts among the candidates' tokens: then the total is the sum without them.
  const inside = thoughts !== undefined && reported !== undefined && left === reported;
  return {
    inputFresh,
    cacheRead,
    cacheWrite: undefined,
    outputText: inside ? Math.max(0, reported - thoughts) : candidates,
    reasoning: inside ? Math.min(thoughts, reported) : thoughts,
    source: 'reported',
    raw: value,
  };
}

/** Usage of embeddings, which have no output. Only newer models report it. */
export function readGeminiEmbeddingUsage(body: Record<string, unknown>): Usage | undefined {
  const usage = readGeminiUsage(body['usageMetadata'], true);
  return usage === undefined ? undefined : { ...usage, outputText: 0, reasoning: undefined };
}
