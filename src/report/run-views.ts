import { CALL_STATUSES, VERDICTS, type CallStatus, type Run, type RunStatus } from '../core/index.ts';
import type { CallGrouping, CallSums, Store } from '../store/contract.ts';
import { summarizeProbes, type ProbeResult } from './summary.ts';

/** Sums over calls, as `assay usage --json` shows them for a whole run and for each part of it. */
export interface CallTotals {
  /** Ended calls by status; `total` is their sum. */
  readonly calls: Readonly<Record<CallStatus | 'total', number>>;
  readonly tokens: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    /** Inside `completion_tokens`; `null` while no call reported any. */
    readonly reasoning_tokens: number | null;
    readonly total_tokens: number;
    /** Calls whose usage was estimated. */
    readonly estimated: number;
    /** Ended calls whose usage is unknown: left out of the sums. */
    readonly unknown_calls: number;
  };
  /** US dollars, of the calls whose cost is known; `null` where none is. */
  readonly cost_usd: number | null;
  /** Milliseconds spent waiting for admission. */
  readonly waited_ms: number;
  /** Calls that were retries; said of parts of a run. */
  readonly retries?: number;
  /** Calls with tokens but no price, left out of `cost_usd`; only where there are any. */
  readonly unpriced_calls?: number;
  /** Calls that have not ended, left out of all else; only where there are any. */
  readonly in_flight?: number;
}

export type CallTotalsByName = Readonly<Record<string, CallTotals>>;

/** What a run used: the document of `assay usage RUN --json`. */
export interface UsageView extends CallTotals {
  readonly run: string;
  /** Only where a simulator answered. */
  readonly simulated?: true;
  readonly by_model: CallTotalsByName;
  readonly by_role: CallTotalsByName;
  readonly by_deployment: CallTotalsByName;
  readonly by_probe: CallTotalsByName;
}

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

type ResultReads = Pick<Store, 'getRun' | 'findRun' | 'countGoals' | 'countAttempts'> & Parameters<typeof summarizeProbes>[0];

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
}

/** What a run used, in whole and by model, role, deployment and probe. */
export async function usageView(store: Pick<Store, 'sumCalls' | 'getRun'>, runId: string): Promise<UsageView> {
  const by = async (grouping: CallGrouping): Promise<CallTotalsByName> =>
    Object.fromEntries([...(await store.sumCalls({ runId }, grouping))].map(([name, sums]) => [name, { ...callTotals(sums), retries: sums.retries }]));
  const [whole] = (await store.sumCalls({ runId }, 'all')).values();
  const simulated = (await store.getRun(runId))?.simulated === true;
  return {
    run: runId,
    ...(simulated ? { simulated } : {}),
    ...(whole === undefined ? NO_CALLS : callTotals(whole)),
    by_model: await by('model'),
    by_role: await by('role'),
    by_deployment: await by('deployment'),
    by_probe: await by('plugin'),
  };
}

/** The store's sums in the shape that is shown. */
export function callTotals(sums: CallSums): CallTotals {
  const { in_flight: inFlight, total: _all, ...ended } = sums.calls;
  const total = CALL_STATUSES.reduce((sum, status) => sum + ended[status], 0);
  return {
    calls: { total, ...pickStatuses(ended) },
    tokens: {
      prompt_tokens: sums.prompt_tokens,
      completion_tokens: sums.completion_tokens,
      reasoning_tokens: sums.reasoning_tokens,
      total_tokens: sums.total_tokens,
      estimated: sums.estimated,
      unknown_calls: sums.unknown_calls,
    },
    // A sum of nothing known is unknown, not nothing.
    cost_usd: sums.cost_usd === 0 && sums.unpriced + sums.unknown_calls > 0 ? null : sums.cost_usd,
    waited_ms: sums.waited_ms,
    ...(sums.unpriced > 0 ? { unpriced_calls: sums.unpriced } : {}),
    ...(inFlight > 0 ? { in_flight: inFlight } : {}),
  };
}

function pickStatuses(counts: Readonly<Record<CallStatus, number>>): Record<CallStatus, number> {
  return Object.fromEntries(CALL_STATUSES.map((status) => [status, counts[status]])) as Record<CallStatus, number>;
}

const NO_CALLS: CallTotals = {
  calls: { total: 0, ...pickStatuses(Object.fromEntries(CALL_STATUSES.map((status) => [status, 0])) as Record<CallStatus, number>) },
  tokens: { prompt_tokens: 0, completion_tokens: 0, reasoning_tokens: null, total_tokens: 0, estimated: 0, unknown_calls: 0 },
  cost_usd: 0,
  waited_ms: 0,
};

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
  const [goals, attempts, results] = await Promise.all([store.countGoals(run.id), store.countAttempts(run.id), summarizeProbes(store, run.id)]);
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
  };
}

/** ISO 8601 of milliseconds since the epoch. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
