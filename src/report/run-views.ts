import { VERDICTS, type Run, type RunStatus } from '../core/index.ts';
import type { Store } from '../store/contract.ts';
import { summarizeExperiments, type ExperimentResult } from './experiments.ts';
import { summarizeProbes, type ProbeResult } from './summary.ts';

/** One run of `assay runs --json`. Times are ISO 8601. */
export interface RunListItem {
  readonly run: string;
  readonly status: RunStatus;
  readonly reason: string | null;
  readonly name: string | null;
  readonly suites: readonly string[];
  readonly targets: readonly string[];
  readonly simulated: boolean;
  /** Goals planned, or `null` while planning goes on. */
  readonly planned: number | null;
  readonly resumes: number;
  readonly seed: number;
  readonly engagement: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
}

type ResultReads = Pick<Store, 'getRun' | 'findRun' | 'countGoals' | 'countAttempts'> & Parameters<typeof summarizeProbes>[0] & Parameters<typeof summarizeExperiments>[0];

/** How a run ended: the document that `assay run --json` closes with. Cumulative over resumes. */
export interface RunResultView<Result> {
  readonly run: string;
  readonly status: RunStatus;
  /** Only where a simulator answered: the figures say nothing about a real model. */
  readonly simulated?: true;
  readonly goals: {
    readonly planned: number | null;
    readonly verdicts: number;
    readonly undetermined: number;
    readonly skipped: number;
    readonly errors: number;
    /** Goals without a final outcome: not begun, interrupted or cancelled. Only where there are any. */
    readonly unfinished?: number;
  };
  readonly attempts: { readonly planned: number | null; readonly finished: number; readonly errors: number };
  readonly results: readonly Result[];
  /** Only where the run has experiments. */
  readonly experiments?: readonly ExperimentResult[];
}

export function runListView(runs: readonly Run[]): RunListItem[] {
  return runs.map((run) => ({
    run: run.id,
    status: run.status,
    reason: run.reason,
    name: run.name,
    suites: run.suites,
    targets: run.targets,
    simulated: run.simulated,
    planned: run.planned,
    resumes: run.resumes,
    seed: run.seed,
    engagement: run.engagement,
    created_at: isoTime(run.createdAt),
    started_at: run.startedAt === null ? null : isoTime(run.startedAt),
    ended_at: run.endedAt === null ? null : isoTime(run.endedAt),
  }));
}

/** How a run stands or ended, with its results. Cumulative over resumes. */
export async function runResultView(store: ResultReads, runId: string): Promise<RunResultView<ProbeResult>> {
  const run = (await store.getRun(runId)) ?? (await store.findRun(runId));
  const [goals, attempts, results, experiments] = await Promise.all([store.countGoals(run.id), store.countAttempts(run.id), summarizeProbes(store, run.id), summarizeExperiments(store, run.id)]);
  const count = (kind: string): number => goals.byOutcome[kind] ?? 0;
  const verdicts = VERDICTS.reduce((sum, verdict) => sum + count(verdict), 0);
  const [undetermined, skipped, errors] = [count('undetermined'), count('skipped'), count('error')];
  const unfinished = goals.planned - verdicts - undetermined - skipped - errors;
  // How many attempts a goal takes may depend on what is answered: the number is known once every goal has ended.
  const ended = run.planned !== null && verdicts + undetermined + skipped + errors === run.planned;
  return {
    run: run.id,
    status: run.status,
    ...(run.simulated ? { simulated: true } : {}),
    goals: { planned: run.planned, verdicts, undetermined, skipped, errors, ...(unfinished > 0 ? { unfinished } : {}) },
    attempts: { planned: ended ? attempts.finished + attempts.errors : null, finished: attempts.finished, errors: attempts.errors },
    results,
    ...(experiments.length > 0 ? { experiments } : {}),
  };
}

/** ISO 8601 of milliseconds since the epoch. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
