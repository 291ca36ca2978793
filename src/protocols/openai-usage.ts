import { isObject, type Usage } from '../core/index.ts';
import { tokenCount } from './token-count.ts';

/**
 * Reads the `usage` object of OpenAI's chat, completions, responses and embeddings APIs, and of those that imitate them,
 * into disjoint buckets. `undefined` where it holds no count.
 *
 * Cached, cache-written and reasoning tokens lie inside the totals and are subtracted from them. Where details
 * contradict their total, the total holds (it is what is billed) and the details are cut to fit. Exceptions:
 * xAI counts reasoning beside `completion_tokens`, seen from `total_tokens` being the sum of all three; Gemini's
 * OpenAI-compatible API leaves thinking out of `completion_tokens` too, and names it nowhere but in `total_tokens`.
 *
 * Sources: OpenAI API reference (`CompletionUsage`, `ResponseUsage`); OpenRouter, "Usage accounting"
 * (`cache_write_tokens`); DeepSeek API (`prompt_cache_hit_tokens`); xAI, "Consumption and rate limits".
 */
export function readOpenAiUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const prompt = tokenCount(value['prompt_tokens']) ?? tokenCount(value['input_tokens']);
  const completion = tokenCount(value['completion_tokens']) ?? tokenCount(value['output_tokens']);
  if (prompt === undefined && completion === undefined) return undefined;
  return {
    ...splitPrompt(prompt, value),
    ...splitCompletion(prompt, completion, value),
    source: 'reported',
    raw: value,
  };
}

/**
 * Reads the `usage` object of the embeddings API, which has no output: `prompt_tokens` and `total_tokens` alone.
 *
 * Source: OpenAI API reference, "Create embeddings".
 */
export function readEmbeddingsUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const prompt = tokenCount(value['prompt_tokens']) ?? tokenCount(value['total_tokens']);
  if (prompt === undefined) return undefined;
  return { ...splitPrompt(prompt, value), outputText: 0, reasoning: undefined, source: 'reported', raw: value };
}

function splitPrompt(prompt: number | undefined, usage: Record<string, unknown>): Pick<Usage, 'inputFresh' | 'cacheRead' | 'cacheWrite'> {
  const details = firstObject(usage['prompt_tokens_details'], usage['input_tokens_details']);
  const read = tokenCount(details['cached_tokens']) ?? tokenCount(usage['prompt_cache_hit_tokens']);
  const write = tokenCount(details['cache_write_tokens']);
  if (prompt === undefined) return { inputFresh: undefined, cacheRead: read, cacheWrite: write };
  const cacheRead = atMost(read, prompt);
  const cacheWrite = atMost(write, prompt - (cacheRead ?? 0));
  return { inputFresh: prompt - (cacheRead ?? 0) - (cacheWrite ?? 0), cacheRead, cacheWrite };
}

function splitCompletion(
  prompt: number | undefined,
  completion: number | undefined,
  usage: Record<string, unknown>,
): Pick<Usage, 'outputText' | 'reasoning'> {
  const details = firstObject(usage['completion_tokens_details'], usage['output_tokens_details']);
  const reported = tokenCount(details['reasoning_tokens']);
  if (completion === undefined) return { outputText: undefined, reasoning: reported };
  const total = tokenCount(usage['total_tokens']);
  const beside = total === undefined || prompt === undefined ? undefined : total - prompt - completion;
  if (beside !== undefined && beside > 0 && (reported === undefined || reported === beside)) {
    return { outputText: completion, reasoning: beside };
  }
  // More than the total cannot be inside it, and no sum says otherwise.
  if (beside === undefined && reported !== undefined && reported > completion) return { outputText: completion, reasoning: reported };
  const reasoning = atMost(reported, completion);
  return { outputText: completion - (reasoning ?? 0), reasoning };
}

function firstObject(...values: readonly unknown[]): Record<string, unknown> {
  return values.find(isObject) ?? {};
}

function atMost(value: number | undefined, bound: number): number | undefined {
  return value === undefined ? undefined : Math.min(value, bound);
}
