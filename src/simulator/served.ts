import type { FaultKind } from './faults.ts';
import type { Endpoint } from './wire/format.ts';

/**
 * How a request ended, one of these for each:
 *
 * - `ok`: a whole answer was sent (blocked, empty and usage-less ones too)
 * - `rate_limited`: refused by a limit; `error`: any other error answer
 * - `malformed`, `cut`: an answer was made, and spoiled on the way by a fault
 * - `reset`, `hung`: no answer was made
 * - `aborted`: the client left before the answer was out
 */
export const SERVED_OUTCOMES = ['ok', 'rate_limited', 'error', 'malformed', 'cut', 'reset', 'hung', 'aborted'] as const;
export type ServedOutcome = (typeof SERVED_OUTCOMES)[number];

/** Why a client could not read the usage of tokens that were served to it. */
export type HiddenReason = 'missing_usage' | 'malformed' | 'cut' | 'aborted' | 'not_asked';

/** Tokens under their common names: cached ones are inside `prompt_tokens`, reasoning inside `completion_tokens`. */
export interface ServedTokens {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly reasoning_tokens: number;
  readonly cached_tokens: number;
  readonly cache_write_tokens: number;
  readonly total_tokens: number;
}

export const NO_TOKENS: ServedTokens = {
  prompt_tokens: 0,
  completion_tokens: 0,
  reasoning_tokens: 0,
  cached_tokens: 0,
  cache_write_tokens: 0,
  total_tokens: 0,
};

/** One request as the simulator saw it: a line of its log. */
export interface ServedRequest extends ServedTokens {
  readonly request_id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly endpoint: Endpoint | null;
  readonly model: string | null;
  readonly stream: boolean;
  /** `null` where no status was sent. */
  readonly status: number | null;
  readonly outcome: ServedOutcome;
  readonly fault: FaultKind | null;
  readonly hidden: HiddenReason | null;
  /** The `x-assay-call` header: the ledger's id of the call. */
  readonly call: string | null;
  /** Which try this was, where faults made that worth knowing. */
  readonly retry: number | null;
  /** Set on a line that takes the place of an earlier one with the same `request_id`: the client left half way. */
  readonly amends?: true;
}
