/**
 * Smooth pacing by one number, the time up to which the flow is paid for (GCRA, the virtual-scheduling form of a leaky
 * bucket, ITU-T I.371). Credit is time not yet paid for: `now - paidUntil`.
 *
 * A cost is paid before it passes, not after, so that over any stretch `t` no more passes than `t` and the larger of
 * the burst and the first cost are worth. Credit in time, not in tokens, keeps its worth when the rate changes.
 */
export interface PaceRule {
  /** Units a millisecond. */
  readonly perMs: number;
  /** Most credit an idle deployment saves up. A single cost above it still passes once its own worth is saved. */
  readonly burstMs: number;
}

function start(paidUntil: number, now: number, costMs: number, burstMs: number): number {
  return Math.max(paidUntil, now - Math.max(burstMs, costMs));
}

/** The earliest time, `now` or later, at which a cost may pass. */
export function readyAt(paidUntil: number, rule: PaceRule, cost: number, now: number): number {
  const costMs = cost / rule.perMs;
  return Math.max(now, start(paidUntil, now, costMs, rule.burstMs) + costMs);
}

/** The new `paidUntil` once a cost has passed at `now`, whether or not it waited for its turn. */
export function pay(paidUntil: number, rule: PaceRule, cost: number, now: number): number {
  const costMs = cost / rule.perMs;
  return start(paidUntil, now, costMs, rule.burstMs) + costMs;
}

/** The new `paidUntil` once part of a cost is given back (or, negative, found to be higher). */
export function refund(paidUntil: number, rule: PaceRule, cost: number): number {
  return paidUntil - cost / rule.perMs;
}
