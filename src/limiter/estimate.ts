import type { ActualUse, AdmitRequest, Limits } from './contract.ts';
import type { LearnedOutput } from './learned-output.ts';
import type { Amounts, LimitPlan } from './limit-plan.ts';

/** What one call is expected to take. */
export interface Estimate {
  readonly prompt: number;
  /** Output tokens held against the rate windows. */
  readonly output: number;
  /** Output tokens held against quota and budgets, which must not be overrun: the bound where there is one. */
  readonly mostOutput: number;
  readonly amounts: Amounts;
}

/**
 * Estimates a call before it leaves. A provider that counts prompt + max tokens at admission is reserved just that;
 * where actual use counts, the output expected of one among the calls in flight.
 */
export function estimate(request: AdmitRequest, counts: NonNullable<Limits['counts']>, learned: LearnedOutput, inFlight: number, plan: LimitPlan): Estimate {
  const prompt = Math.max(0, Math.ceil(request.promptTokens));
  const bound = request.maxOutputTokens === undefined ? undefined : Math.max(0, Math.ceil(request.maxOutputTokens));
  const mostOutput = bound ?? learned.p90;
  let output = mostOutput;
  if (counts === 'actual') {
    if (learned.enough) output = Math.min(bound ?? Infinity, learned.expectedEach(inFlight + 1));
    // A bound far above what is used must not keep a first call out for good.
    const most = Math.min((plan.largest.tokens?.limit ?? Infinity) - prompt, plan.largest.output?.limit ?? Infinity);
    output = Math.max(0, Math.min(output, most));
  }
  return { prompt, output, mostOutput, amounts: { requests: 1, tokens: prompt + output, input: prompt, output } };
}

/** The dimension in which a call is too large ever to pass, if any. */
export function tooLarge(amounts: Amounts, plan: LimitPlan): { readonly tokens: number; readonly limit: number; readonly dimension: string } | undefined {
  for (const dimension of ['tokens', 'input', 'output'] as const) {
    const most = plan.largest[dimension];
    if (most !== undefined && amounts[dimension] > most.limit) return { tokens: amounts[dimension], limit: most.limit, dimension: most.name };
  }
  return undefined;
}

/**
 * What the windows get back (or, negative, are short of) once the actual figures are known. A provider that counts at
 * admission gives nothing back; a prompt larger than thought is charged in either case.
 */
export function surplus(expected: Estimate, actual: ActualUse, counts: NonNullable<Limits['counts']>): Partial<Amounts> {
  let input = expected.prompt - (actual.promptTokens ?? expected.prompt);
  let output = expected.output - (actual.outputTokens ?? expected.output);
  if (counts === 'reserved') {
    input = Math.min(0, input);
    output = 0;
  }
  return { input, output, tokens: input + output };
}
