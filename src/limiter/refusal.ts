import type { RateFacts } from '../protocols/contract.ts';
import { refused } from './adaptive-concurrency.ts';
import type { Rules } from './decide.ts';
import { type DeploymentState, inFlight } from './deployment-state.ts';
import { advance } from './ring.ts';
import { createThrottle, cut, stillShut } from './throttle.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_GUESSED_PAUSE_MS = 8_000;
/** A reset heard without a Retry-After may be the time until everything is back; no more than this is waited on its word. */
const LONGEST_RESET_MS = 60_000;
/** Reserved use this near the token limit, while actual use is this far below it, fits a provider that counts reservations. */
const RESERVED_LEAST = 0.85;
const RESERVED_MOST = 1.15;
const ACTUAL_MOST = 0.8;
const EVIDENCE_NEEDED = 2;

/** How long the provider asks to wait, or `undefined` where it does not say. */
function pauseAsked(rate: RateFacts): number | undefined {
  if (rate.retryAfterMs !== undefined) return rate.retryAfterMs;
  const resets = [
    [rate.remainingRequests, rate.resetRequestsMs],
    [rate.remainingTokens, rate.resetTokensMs],
    [rate.remainingInputTokens, rate.resetInputTokensMs],
    [rate.remainingOutputTokens, rate.resetOutputTokensMs],
  ] as const;
  const exhausted = resets.flatMap(([remaining, reset]) => (remaining !== undefined && remaining <= 0 && reset !== undefined ? [reset] : []));
  return exhausted.length > 0 ? Math.min(LONGEST_RESET_MS, Math.max(...exhausted)) : undefined;
}

/** Whether the refusal fits a provider that counts prompt + max tokens, though it was said to count what is used. */
function fitsReservedCounting(state: DeploymentState, rules: Rules, now: number): boolean {
  const limit = rules.plan.largest.tokens?.limit;
  const { asked } = state;
  const used = state.rings['tokens/60000'];
  if (limit === undefined || asked === null || used === undefined || now - state.startedAt < 60_000) return false;
  advance(asked, now);
  advance(used, now);
  return asked.sum >= RESERVED_LEAST * limit && asked.sum <= RESERVED_MOST * limit && used.sum <= ACTUAL_MOST * limit;
}

/**
 * Takes in a 429: pauses the deployment, for as long as it asks or twice as long each time in a row, and cuts the rate
 * (or, where none is known, the concurrency) once per episode.
 *
 * @param sentAt when the refused call left; one that left before the last cut belongs to that episode
 * @param jitter 0 … 1, so that processes that were refused together do not return together
 */
export function refuse(state: DeploymentState, rules: Rules, rate: RateFacts, sentAt: number, now: number, jitter: number): void {
  const asked = pauseAsked(rate);
  const newEpisode = sentAt > state.refusedAt;
  if (newEpisode) {
    state.refusals += 1;
    state.refusedAt = now;
    if (!rules.plan.rated) {
      refused(state.adaptive, sentAt, inFlight(state), now);
    } else if (sentAt <= state.probedAt) {
      // The call that tried it after a pause.
      stillShut(state.throttle, now);
    } else if (fitsReservedCounting(state, rules, now) && ++state.reservedEvidence >= EVIDENCE_NEEDED && !state.countsReserved) {
      state.countsReserved = true;
      Object.assign(state.throttle, createThrottle(now));
    } else {
      cut(state.throttle, sentAt, now);
    }
  }
  if (asked === undefined && !newEpisode) return;
  const guessed = Math.min(LONGEST_GUESSED_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (state.refusals - 1));
  state.pausedUntil = Math.max(state.pausedUntil, now + (asked ?? guessed * (1 + jitter / 4)));
  state.probing = true;
  // No burst after a pause: what was saved up is what the provider just refused.
  for (const pace of rules.plan.paces) state.paidUntil[pace.key] = Math.max(state.paidUntil[pace.key] ?? 0, state.pausedUntil);
}
