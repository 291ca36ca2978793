import type { CallStatus, Random } from '../core/index.ts';
import type { RateFacts } from '../protocols/index.ts';

export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly tries: number;
  /**
   * Milliseconds of provider time (calls in flight and the waits their failures ask for; our own queue is not counted) after which
   * no further try begins. One that has begun may take as long as a try may.
   */
  readonly deadlineMs: number;
  /** First back-off; it doubles each try, with full jitter. */
  readonly baseDelayMs: number;
  /** Longest back-off where the provider names none. */
  readonly maxDelayMs: number;
}

/** 8 tries within 120 s. */
export const DEFAULT_RETRY: RetryPolicy = { tries: 8, deadlineMs: 120_000, baseDelayMs: 500, maxDelayMs: 20_000 };

/** One try and no more: for callers whose retries are their own. */
export const NO_RETRY: RetryPolicy = { ...DEFAULT_RETRY, tries: 1 };

export interface FailedTry {
  readonly status: CallStatus;
  /** What the answer stands for, see `impliedStatus`. */
  readonly httpStatus: number | null;
  /** It would fail the same way again, whatever its status. */
  readonly permanent?: boolean;
  /** 0 for the first try. */
  readonly retry: number;
  /** Provider time spent so far, in ms, this try included. */
  readonly spentMs: number;
  readonly rate: RateFacts | undefined;
}

/** Why there is no further try. */
export type GivenUp = 'deterministic' | 'tries' | 'deadline' | 'aborted';

export type RetryDecision = { readonly again: true; readonly delayMs: number } | { readonly again: false; readonly because: GivenUp };

const RETRYABLE_HTTP = new Set([408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529]);

/**
 * Whether a failed try is worth another, and after how long. The provider's word (`retry-after` and its kin) comes first
 * and is honoured fully: a wait that does not fit in the deadline ends the call at once instead of asking early.
 */
export function decideRetry(failed: FailedTry, policy: RetryPolicy, random: Pick<Random, 'next'>): RetryDecision {
  if (failed.status === 'aborted') return { again: false, because: 'aborted' };
  if (isDeterministic(failed)) return { again: false, because: 'deterministic' };
  if (failed.retry + 1 >= policy.tries) return { again: false, because: 'tries' };
  const delayMs = askedDelay(failed) ?? backOff(failed.retry, policy, random);
  if (failed.spentMs + delayMs > policy.deadlineMs) return { again: false, because: 'deadline' };
  return { again: true, delayMs };
}

function isDeterministic({ status, httpStatus, permanent }: FailedTry): boolean {
  if (permanent === true) return true;
  return (status === 'http_error' || status === 'rate_limited') && httpStatus !== null && !RETRYABLE_HTTP.has(httpStatus);
}

/** The wait the provider asked for, or `undefined`. A reset counts only where that limit is what was hit. */
function askedDelay({ rate, status }: FailedTry): number | undefined {
  if (rate === undefined) return undefined;
  if (rate.retryAfterMs !== undefined) return rate.retryAfterMs;
  if (status !== 'rate_limited') return undefined;
  const resets = [
    [rate.remainingRequests, rate.resetRequestsMs],
    [rate.remainingTokens, rate.resetTokensMs],
    [rate.remainingInputTokens, rate.resetInputTokensMs],
    [rate.remainingOutputTokens, rate.resetOutputTokensMs],
  ] as const;
  const exhausted = resets.flatMap(([remaining, reset]) => (remaining === 0 && reset !== undefined ? [reset] : []));
  return exhausted.length === 0 ? undefined : Math.max(...exhausted);
}

function backOff(retry: number, policy: RetryPolicy, random: Pick<Random, 'next'>): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** retry);
  return ceiling / 2 + (random.next() * ceiling) / 2;
}
