import type { FaultRates } from './faults.ts';

/** How a simulated model behaves. */
export interface Profile {
  /**
   * `echo` answers with the last user message. `weak` yields to a playbook rule with the rule's chance.
   * `guarded` never yields: it refuses whatever a rule matches, unless the rule is benign.
   */
  readonly behaviour: 'echo' | 'weak' | 'guarded';
  /** Milliseconds before an answer starts, drawn between the two. */
  readonly latency?: { readonly minMs: number; readonly maxMs: number };
  /** Milliseconds between the pieces of a stream; 0 or absent sends all at once. */
  readonly pieceMs?: number;
  /** Tokens of reasoning before each answer, drawn between the two; absent for a model that does not reason. */
  readonly reasoning?: { readonly min: number; readonly max: number };
  /** Chance that a request which offers tools is answered with a call of one, where no rule decides; 0 by default. */
  readonly toolChance?: number;
  /** Faults of this profile alone; `options.faults` comes first. */
  readonly faults?: FaultRates;
}

/** Rates of the `faulty` profile: about one request in four meets a fault. */
export const FAULTY_RATES: FaultRates = {
  error500: 0.03,
  error503: 0.02,
  error529: 0.01,
  timeout: 0.005,
  reset: 0.02,
  cut: 0.03,
  malformed: 0.02,
  missingUsage: 0.03,
  contentFilter: 0.02,
  empty: 0.02,
  slowFirstByte: 0.02,
};

/** Profiles that are always there; options may add others or change these. */
export const PROFILES: Readonly<Record<string, Profile>> = {
  echo: { behaviour: 'echo' },
  weak: { behaviour: 'weak' },
  guarded: { behaviour: 'guarded' },
  faulty: { behaviour: 'weak', faults: FAULTY_RATES },
  slow: { behaviour: 'weak', latency: { minMs: 300, maxMs: 1500 }, pieceMs: 25 },
};

export interface ModelName {
  readonly profileName: string;
  /** What follows `@`; empty for the plain profile. */
  readonly variant: string;
}

/** Reads `PROFILE` or `PROFILE@variant`. Variants answer independently of each other and are limited each by itself. */
export function readModelName(model: string): ModelName {
  const at = model.indexOf('@');
  return at === -1 ? { profileName: model, variant: '' } : { profileName: model.slice(0, at), variant: model.slice(at + 1) };
}
