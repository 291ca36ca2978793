import type { RateFacts } from '../protocols/contract.ts';
import type { DeploymentState } from './deployment-state.ts';
import type { Dimension, LimitPlan } from './limit-plan.ts';
import { advance, sumSince } from './ring.ts';

/** Whether headers say what is left of anything. */
export function saysWhatRemains(rate: RateFacts): boolean {
  return (rate.remainingRequests ?? rate.remainingTokens ?? rate.remainingInputTokens ?? rate.remainingOutputTokens) !== undefined;
}

/** A reset instant that stays put this well for this long is the end of a fixed window. */
const SAME_RESET_MS = 1_100;
const FIXED_AFTER_MS = 3_000;
const PAD_MS = 100;
/** Shortfall that tells of another tenant, as a share of what the window would have held at our own pace; less is rounding and calls under way. */
const TELLING = 0.05;
const FEWEST_TELLING = 3;

/**
 * Takes in what response headers say is left. They only correct downwards, and what `reset` means differs: until all is
 * back (OpenAI, Anthropic), or the end of a fixed window. Only a reset instant that stays the same while time passes is
 * taken for a window's end, and then what is left is spread over what is left of the window. Otherwise `remaining` caps
 * the next burst and no more.
 */
export function heed(state: DeploymentState, plan: LimitPlan, rate: RateFacts, sentAt: number, now: number): void {
  const facts: readonly (readonly [Dimension, number | undefined, number | undefined])[] = [
    ['requests', rate.remainingRequests, rate.resetRequestsMs],
    ['tokens', rate.remainingTokens, rate.resetTokensMs],
    ['input', rate.remainingInputTokens, rate.resetInputTokensMs],
    ['output', rate.remainingOutputTokens, rate.resetOutputTokensMs],
  ];
  for (const [dimension, remaining, resetMs] of facts) {
    if (remaining === undefined) continue;
    for (const pace of plan.paces) {
      if (pace.dimension !== dimension) continue;
      const worth = Math.max(0, remaining) / (pace.perMs * state.throttle.share);
      state.paidUntil[pace.key] = Math.max(state.paidUntil[pace.key] ?? 0, sentAt - worth);
    }
    if (resetMs !== undefined) spread(state, plan, dimension, remaining, sentAt + resetMs, sentAt, now);
  }
}

function spread(state: DeploymentState, plan: LimitPlan, dimension: Dimension, remaining: number, resetAt: number, sentAt: number, now: number): void {
  const last = state.hints[dimension];
  if (last?.misleading === true) return;
  const same = last !== undefined && Math.abs(resetAt - last.resetAt) <= SAME_RESET_MS;
  if (!same) {
    // An answer to a call of the last window may still come in.
    if (last === undefined || resetAt > last.resetAt) state.hints[dimension] = { resetAt, since: now, perMs: 0, until: 0, remaining };
    return;
  }
  const ring = state.rings[`${dimension}/60000`];
  if (ring === undefined || now - last.since < FIXED_AFTER_MS || now >= last.resetAt) return;
  const own = Math.min(...plan.paces.filter((pace) => pace.dimension === dimension).map((pace) => pace.perMs));
  const pace = own * state.throttle.share;
  // Answers come in out of order, by no more than what is sent in a few seconds.
  if (remaining > last.remaining + Math.max(FEWEST_TELLING, pace * FIXED_AFTER_MS)) {
    state.hints[dimension] = { ...last, perMs: 0, until: 0, misleading: true };
    return;
  }
  last.remaining = Math.min(last.remaining, remaining);
  advance(ring, now);
  const left = Math.max(0, remaining - sumSince(ring, sentAt + ring.slotMs));
  // The call that comes as the window ends belongs to the next one.
  last.perMs = (left + (dimension === 'requests' ? 1 : 0)) / (last.resetAt - now);
  const shortfall = pace * (last.resetAt - now) - left;
  if (shortfall <= Math.max(dimension === 'requests' ? FEWEST_TELLING : 0, pace * (last.resetAt - last.since) * TELLING)) return;
  last.until = last.resetAt + PAD_MS;
}
