import type { RateFacts } from '../protocols/contract.ts';
import type { Budget } from './budget.ts';

/** What a long quota does when it is used up. */
export type QuotaRule = 'stop' | 'wait' | `fallback:${string}`;

export interface Quota {
  readonly tokens: number;
  readonly period: 'day' | 'month';
  /** Percentages of use that raise an alert once each. */
  readonly alerts: readonly number[];
  readonly onExhausted: QuotaRule;
  /** Hours after UTC midnight at which the period turns, 0 by default. */
  readonly resetHour?: number;
}

/** What is known of a deployment's limits. An absent one is unknown, not unlimited. */
export interface Limits {
  readonly rps?: number;
  readonly rpm?: number;
  /** Prompt and output tokens together, a minute. */
  readonly tpm?: number;
  readonly itpm?: number;
  readonly otpm?: number;
  readonly concurrency?: number;
  readonly quota?: Quota;
  /** What the provider counts when it admits: prompt + max output (`reserved`), or what is used in the end (`actual`). */
  readonly counts?: 'reserved' | 'actual';
  /** Windows shorter than a minute over which the provider also checks, in ms. Azure: 1,000 and 10,000. */
  readonly subWindowsMs?: readonly number[];
}

export interface AdmitRequest {
  readonly deployment: string;
  readonly promptTokens: number;
  /** Most output tokens the request allows, or `undefined` where it sets no bound. */
  readonly maxOutputTokens: number | undefined;
  /** Budgets the call also draws on. */
  readonly budgets?: readonly Budget[];
  /** For a tokens-to-dollars estimate of a reservation against a USD budget; `undefined` where the price is unknown. */
  readonly usdFor?: (promptTokens: number, outputTokens: number) => number | undefined;
  readonly signal?: AbortSignal;
  /** Turns the call away if it is waiting when this aborts. One that comes later waits as ever: work under way may finish. */
  readonly drain?: AbortSignal;
  /** Longest pause asked for by the provider that the call waits out, in ms; a longer one ends it as `rate_limited` at once. */
  readonly longestPauseMs?: number;
  /** Milliseconds since the epoch after which waiting is given up with a `rate_limited` error. */
  readonly deadline?: number;
  /** A call that the provider refused or that failed, sent again: it goes before those that never left. 0 by default. */
  readonly retry?: number;
}

/**
 * How a call that left ended, as far as limits care. `answered`: it was served. `limited`: refused with a 429, so its
 * tokens were not used. `failed`: anything else, whose use nobody knows.
 */
export type SettleOutcome = 'answered' | 'limited' | 'failed';

/** What a call used in the end. `undefined` is unknown. */
export interface ActualUse {
  readonly promptTokens: number | undefined;
  readonly outputTokens: number | undefined;
  readonly costUsd: number | undefined;
}

/** A place taken for one call. Settle it with what was used, then release it; both are idempotent. */
export interface Reservation {
  /** Where the call may go; another one than asked for after a quota's fallback. */
  readonly deployment: string;
  readonly waitedMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Says that the call leaves now: where that is noticeably later than it was admitted, it counts from now on. */
  left(): void;
  /**
   * Replaces the reserved by the actual figures. Unknown keeps the reservation as the best figure there is.
   * The outcome is `answered` unless said otherwise; `limited` gives the tokens back and keeps the request counted.
   */
  settle(actual: ActualUse, outcome?: SettleOutcome): void;
  /** Gives back the concurrency slot, and what was never settled: the call did not leave. */
  release(): void;
}

/** What a deployment answered, told to the limiter so that it may hold back. */
export interface RateSignal {
  readonly deployment: string;
  /** When the call left: a cut happens once per episode, not once per call in flight. */
  readonly sentAt: number;
  readonly limited: boolean;
  readonly rate: RateFacts;
}

/** Live figures of one deployment. */
export interface DeploymentStats {
  readonly deployment: string;
  /** Highest use of any limit over its window, 0 … 1; `null` where no limit is known. */
  readonly utilization: number | null;
  readonly waiting: number;
  readonly in_flight: number;
  readonly quota_percentage: number | null;
  /** Tokens of the deployment in its quota's period (today, UTC, where no quota is set). */
  readonly cumulative_tokens: number;
  /** 429 answers seen. */
  readonly limited_count: number;
  /** Milliseconds since the epoch at which the quota runs out at the present rate, or `null`. */
  readonly projected_exhaustion: number | null;
  /** Present concurrency bound. */
  readonly concurrency: number | null;
  /** Milliseconds since the epoch until which the deployment is paused, or `null`. */
  readonly paused_until: number | null;
}

/** Raised when a quota passes one of its alert percentages. */
export interface QuotaAlert {
  readonly deployment: string;
  readonly threshold: number;
  readonly percentage: number;
  readonly cumulativeTokens: number;
  readonly quotaTokens: number;
}

export interface Limiter {
  /**
   * Waits until the call may leave. First in, first out per deployment.
   *
   * @throws CancelledError, BudgetExhaustedError, QuotaExhaustedError, RequestTooLargeError, or an AssayError `rate_limited` past the deadline
   */
  admit(request: AdmitRequest): Promise<Reservation>;
  /** Charges a call that could not be held (seen by a tap) after the fact. */
  charge(deployment: string, actual: ActualUse): void;
  observe(signal: RateSignal): void;
  /**
   * Whether a request's tokens must be counted. Where tokens are not limited, or so far from their limits that a rough estimate of this
   * request cannot matter, it will do.
   *
   * @param about that estimate, at most eight times too small; without it the answer is for any request
   */
  countsTokens(deployment: string, about?: number): boolean;
  stats(): DeploymentStats[];
  statsOf(deployment: string): DeploymentStats;
  onQuotaAlert(listener: (alert: QuotaAlert) => void): () => void;
  close(): Promise<void>;
}
