/** Ways in which providers are known to count a limit. */
export const LIMIT_KINDS = ['token-bucket', 'fixed-window', 'sliding-window', 'sub-windows'] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];

/**
 * One limit on one quantity (requests or tokens). Pure arithmetic: the caller hands in the time, in
 * milliseconds, and never an earlier one than before.
 */
export interface RateWindow {
  /** What the provider says the limit is, per period. */
  readonly limit: number;
  /** Milliseconds until `amount` fits if nobody else took any: 0 is now, `Infinity` never. Takes nothing. */
  waitMs(amount: number, now: number): number;
  /** Takes `amount`. Call it only where `waitMs` was 0 at the same time. */
  take(amount: number, now: number): void;
  /** What may be taken now without waiting. */
  remaining(now: number): number;
  /** Milliseconds until the limit is whole again if nothing more is taken. */
  resetMs(now: number): number;
}

export interface WindowSpec {
  /** Units per period, above 0. */
  readonly limit: number;
  readonly periodMs: number;
  /** How long an idle token bucket saves up. */
  readonly bucketMs: number;
  /** Length of a sub-window. */
  readonly subWindowMs: number;
}
