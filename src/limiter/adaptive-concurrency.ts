/**
 * A bound on calls in flight where nothing else is known: additive increase, multiplicative decrease, as TCP does
 * (RFC 5681), on plain numbers.
 */
export interface AdaptiveConcurrency {
  bound: number;
  slowStart: boolean;
  /** Clean answers in this round; a round is as many as the bound. */
  clean: number;
  /** Whether every slot was in use at some time in this round: only then does more make sense. */
  full: boolean;
  cutAt: number;
}

const START = 16;
/** Default cap on the bound. */
export const MOST_CONCURRENCY = 256;
const CUT = 0.7;
const GROWTH = 0.05;

/** Starts at 16, or at the cap where that is lower. */
export function createAdaptiveConcurrency(start = START): AdaptiveConcurrency {
  return { bound: start, slowStart: true, clean: 0, full: false, cutAt: 0 };
}

/** A call was answered without complaint: doubles per round in slow start, then grows by a twentieth a round. */
export function answered(state: AdaptiveConcurrency, most: number): void {
  state.clean += 1;
  if (state.clean < state.bound) return;
  if (state.full) state.bound = Math.min(most, state.slowStart ? state.bound * 2 : state.bound + Math.max(1, Math.ceil(state.bound * GROWTH)));
  state.clean = 0;
  state.full = false;
}

/**
 * A call was refused: cuts once per episode, from what was in flight.
 *
 * @returns whether it cut
 */
export function refused(state: AdaptiveConcurrency, sentAt: number, inFlight: number, now: number): boolean {
  if (sentAt <= state.cutAt) return false;
  state.bound = Math.max(1, Math.floor(Math.min(state.bound, Math.max(1, inFlight)) * CUT));
  state.slowStart = false;
  state.clean = 0;
  state.full = false;
  state.cutAt = now;
  return true;
}
