import type { DeploymentStats } from '../limiter/contract.ts';

/** A budget's use; a cap that is not set is absent. */
export interface BudgetUse {
  readonly name: 'calls' | 'tokens' | 'usd';
  readonly used: number;
  readonly limit: number;
}

/** How a run stands, as a progress view shows it. Plain figures, cumulative over resumes. */
export interface ProgressState {
  /** What is running, e.g. `probes.encoding → sim:weak`. */
  readonly label: string;
  /** Goals planned, or `null` while planning goes on. */
  readonly planned: number | null;
  readonly finished: number;
  readonly errors: number;
  readonly verdicts: number;
  readonly inFlight: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly tokens: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** US dollars of the calls whose cost is known; `null` where none is. */
  readonly costUsd: number | null;
  /** Calls with tokens but no price. */
  readonly unpriced: number;
  /** Milliseconds spent waiting for admission so far, summed over calls. */
  readonly waitedMs: number;
  /** Calls waiting for admission now. */
  readonly waiting: number;
  /** Milliseconds since the epoch until which all is paused after a 429, or `null`. */
  readonly pausedUntil: number | null;
  /** Goals finished a second, lately; `null` where too little is known. */
  readonly rate: number | null;
  readonly budget?: readonly BudgetUse[];
  /** Live figures per deployment. */
  readonly deployments?: readonly DeploymentStats[];
  /** Answers come from a simulator. */
  readonly simulated?: boolean;
}
