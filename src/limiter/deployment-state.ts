import { type AdaptiveConcurrency, createAdaptiveConcurrency } from './adaptive-concurrency.ts';
import type { Dimension } from './limit-plan.ts';
import type { Ring } from './ring.ts';
import { type Throttle, createThrottle } from './throttle.ts';

/** What one limiter (one thread of one process, as a rule) holds of a deployment. Freed when that is found dead. */
export interface Holder {
  readonly pid: number;
  /** The thread, by its path under `/proc`. */
  readonly task?: string;
  /** Its start time as the system tells it, so that a reused id is not mistaken for it; empty where unknown. */
  readonly pidStartedAt: string;
  /** Machine and pid namespace: pids of another one say nothing here. */
  readonly space: string;
  /** Last sign of life, ms since the epoch. */
  beat: number;
  inFlight: number;
  /** Tokens reserved against the long quota. */
  quotaReserved: number;
  /** The request it has waiting first: since when, and when it will look again. */
  head: { readonly since: number; readonly due: number } | null;
}

/** What response headers said of one dimension. */
export interface HeaderHint {
  /** The reset instant as last heard, and since when it has been the same. */
  resetAt: number;
  readonly since: number;
  /** Until `until` no more than this may pass a millisecond. */
  perMs: number;
  until: number;
  /** What remained as last heard. */
  remaining: number;
  /** More remained later in the same window: its `reset` is not the end of what `remaining` counts, and tells nothing here. */
  readonly misleading?: boolean;
}

/** All that decisions on one deployment depend on. Plain JSON: processes that share a deployment share this value. */
export interface DeploymentState {
  /** When a decision was last taken; 0 for a state that is new. */
  touchedAt: number;
  readonly startedAt: number;
  /** Use over each window, by the window's key. */
  readonly rings: Record<string, Ring>;
  /** Prompt + most output of the last minute, kept where actual use is said to count; and tokens settled, where a quota is set. */
  asked: Ring | null;
  flow: Ring | null;
  /** See `pace.ts`; by the pace's key. */
  readonly paidUntil: Record<string, number>;
  pausedUntil: number;
  /** After a pause one call goes first, and the rest follow when it was not refused at once. */
  probing: boolean;
  /** When that one call went. */
  probedAt: number;
  /** Refusals in a row with no later call answered. */
  refusals: number;
  refusedAt: number;
  readonly throttle: Throttle;
  adaptive: AdaptiveConcurrency;
  readonly hints: Partial<Record<Dimension, HeaderHint>>;
  /** Tokens used in the quota's period. */
  quota: { start: number; used: number };
  /** Refusals that fit a provider counting prompt + max tokens though it was said to count actual use. */
  reservedEvidence: number;
  countsReserved: boolean;
  readonly holders: Record<string, Holder>;
}

export function createDeploymentState(now: number): DeploymentState {
  return {
    touchedAt: 0,
    startedAt: now,
    rings: {},
    asked: null,
    flow: null,
    paidUntil: {},
    pausedUntil: 0,
    probing: false,
    probedAt: 0,
    refusals: 0,
    refusedAt: 0,
    throttle: createThrottle(now),
    adaptive: createAdaptiveConcurrency(),
    hints: {},
    quota: { start: 0, used: 0 },
    reservedEvidence: 0,
    countsReserved: false,
    holders: {},
  };
}

/** Calls in flight, over all holders. */
export function inFlight(state: DeploymentState): number {
  let sum = 0;
  for (const id in state.holders) sum += state.holders[id]!.inFlight;
  return sum;
}

/** Tokens reserved against the quota, over all holders. */
export function quotaReserved(state: DeploymentState): number {
  let sum = 0;
  for (const id in state.holders) sum += state.holders[id]!.quotaReserved;
  return sum;
}
