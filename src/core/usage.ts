/** Where a usage figure comes from. */
export type UsageSource = 'reported' | 'estimated' | 'unknown';

/** Token counts of one call in disjoint buckets. `undefined` means unknown, which is not zero. */
export interface Usage {
  /** Prompt tokens neither read from nor written to a cache. */
  readonly inputFresh: number | undefined;
  readonly cacheRead: number | undefined;
  readonly cacheWrite: number | undefined;
  /** Completion tokens other than reasoning. */
  readonly outputText: number | undefined;
  readonly reasoning: number | undefined;
  readonly source: UsageSource;
  /** The provider's own object, untouched. */
  readonly raw?: unknown;
}

/** Inclusive totals under their common names. `reasoning_tokens` is inside `completion_tokens`. */
export interface TokenTotals {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly reasoning_tokens: number | null;
  readonly total_tokens: number;
}

export const UNKNOWN_USAGE: Usage = {
  inputFresh: undefined,
  cacheRead: undefined,
  cacheWrite: undefined,
  outputText: undefined,
  reasoning: undefined,
  source: 'unknown',
};

/** Sums the known figures; `undefined` when none is known. */
export function sumKnown(...figures: readonly (number | undefined)[]): number | undefined {
  let sum: number | undefined;
  for (const figure of figures) if (figure !== undefined) sum = (sum ?? 0) + figure;
  return sum;
}

/** Prompt tokens including cache reads and writes, or `undefined` when nothing of it is known. */
export function promptTokens(usage: Usage): number | undefined {
  return sumKnown(usage.inputFresh, usage.cacheRead, usage.cacheWrite);
}

/** Completion tokens including reasoning, or `undefined` when nothing of it is known. */
export function completionTokens(usage: Usage): number | undefined {
  return sumKnown(usage.outputText, usage.reasoning);
}

/** Inclusive totals of one call, or `undefined` when neither side is known. A side that is unknown adds nothing. */
export function totals(usage: Usage): TokenTotals | undefined {
  const prompt = promptTokens(usage);
  const completion = completionTokens(usage);
  if (usage.source === 'unknown' || (prompt === undefined && completion === undefined)) return undefined;
  return {
    prompt_tokens: prompt ?? 0,
    completion_tokens: completion ?? 0,
    reasoning_tokens: usage.reasoning ?? null,
    total_tokens: (prompt ?? 0) + (completion ?? 0),
  };
}

/** Adds two totals; reasoning stays `null` only while it is unknown on both sides. */
export function addTotals(a: TokenTotals, b: TokenTotals): TokenTotals {
  return {
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    completion_tokens: a.completion_tokens + b.completion_tokens,
    reasoning_tokens: sumKnown(a.reasoning_tokens ?? undefined, b.reasoning_tokens ?? undefined) ?? null,
    total_tokens: a.total_tokens + b.total_tokens,
  };
}

export const ZERO_TOTALS: TokenTotals = { prompt_tokens: 0, completion_tokens: 0, reasoning_tokens: null, total_tokens: 0 };
