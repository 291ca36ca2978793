import { CALL_STATUSES, UsageError, type CallStatus } from '../core/index.ts';
import { TRUNK, UNATTRIBUTED } from '../ledger/index.ts';
import { addCallSums, type BranchSums, type CallFilter, type CallGrouping, type CallSums, type Store } from '../store/index.ts';

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
  /** Calls that have not ended, left out of `calls` and `tokens`; only where there are any. */
  readonly in_flight?: number;
  /** Requests answered from the store: no calls, and free; only where there are any. */
  readonly replayed?: number;
}

export type CallTotalsByName = Readonly<Record<string, CallTotals>>;

/** Both ways of attributing a branch. What led to it is `own` and `pre_fork` together. */
export interface BranchTotals {
  /** Of the branch itself. */
  readonly own: CallTotals;
  /** With the branches inside it. */
  readonly inclusive: CallTotals;
  /** Of its trunk, and of the trunks of that, from before it forked. `null` where it is not known when it did. */
  readonly pre_fork: CallTotals | null;
}

export type BranchTotalsByPath = Readonly<Record<string, BranchTotals>>;

/** What a run used: the document of `assay usage RUN --json`. What lacks a name is `unattributed`. */
export interface UsageView extends CallTotals {
  /** `null`: calls of no run. */
  readonly run: string | null;
  /** The one trial it is about; absent where it is about all. */
  readonly trial?: string;
  /** Only where a simulator answered. */
  readonly simulated?: true;
  /** Calls that a simulator answered; only where it did not answer all of them. */
  readonly simulated_calls?: number;
  readonly by_model: CallTotalsByName;
  readonly by_role: CallTotalsByName;
  readonly by_deployment: CallTotalsByName;
  readonly by_probe: CallTotalsByName;
  /** These only where there are any. */
  readonly by_variant?: CallTotalsByName;
  readonly by_trial?: CallTotalsByName;
  readonly by_phase?: CallTotalsByName;
  /** By the path of the branch within its trial, over all trials; `(trunk)` where there is none. */
  readonly by_branch?: BranchTotalsByPath;
}

/**
 * What a run used, in whole and by its parts.
 *
 * @param runId `null` for calls that belong to no run
 * @param options.trial only this trial of it
 * @throws UsageError `not_found` for a trial without calls
 */
export async function usageView(store: Pick<Store, 'sumCalls' | 'sumBranches' | 'getRun'>, runId: string | null, { trial }: { readonly trial?: string } = {}): Promise<UsageView> {
  const filter: CallFilter = { runId, ...(trial === undefined ? {} : { trial }) };
  const [whole] = (await store.sumCalls(filter, 'all')).values();
  if (trial !== undefined && whole === undefined) throw noSuchTrial(runId, trial);
  const by = async (grouping: CallGrouping): Promise<CallTotalsByName> =>
    Object.fromEntries([...(await store.sumCalls(filter, grouping))].map(([name, sums]) => [name, { ...callTotals(sums), retries: sums.retries }]));
  const byIfAny = async <Name extends string>(name: Name, grouping: CallGrouping): Promise<{ readonly [N in Name]?: CallTotalsByName }> => {
    const groups = await by(grouping);
    return (Object.keys(groups).some((group) => group !== UNATTRIBUTED) ? { [name]: groups } : {}) as { readonly [N in Name]?: CallTotalsByName };
  };
  const simulatedRun = runId !== null && (await store.getRun(runId))?.simulated === true;
  const simulatedCalls = whole?.simulated ?? 0;
  const byBranch = branchTotals(await store.sumBranches(filter));
  return {
    run: runId,
    ...(trial === undefined ? {} : { trial }),
    ...(simulatedRun || simulatedCalls > 0 ? { simulated: true } : {}),
    ...(whole !== undefined && simulatedCalls > 0 && simulatedCalls < whole.calls.total ? { simulated_calls: simulatedCalls } : {}),
    ...(whole === undefined ? NO_CALLS : callTotals(whole)),
    by_model: await by('model'),
    by_role: await by('role'),
    by_deployment: await by('deployment'),
    by_probe: await by('plugin'),
    ...(await byIfAny('by_variant', 'variant')),
    ...(await byIfAny('by_trial', 'trial')),
    ...(await byIfAny('by_phase', 'phase')),
    ...(byBranch === undefined ? {} : { by_branch: byBranch }),
  };
}

/** The store's sums in the shape that is shown. */
export function callTotals(sums: CallSums): CallTotals {
  const { in_flight: inFlight, replayed, total: _all, ...ended } = sums.calls;
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
    ...(replayed > 0 ? { replayed } : {}),
  };
}

/** By path over all trials, in order; `undefined` where nothing branched. */
function branchTotals(branches: readonly BranchSums[]): BranchTotalsByPath | undefined {
  if (branches.every(({ branch }) => branch === null)) return undefined;
  const byPath = new Map<string, Pick<BranchSums, 'own' | 'inclusive' | 'preFork'>>();
  for (const { branch, own, inclusive, preFork } of branches) {
    const path = branch ?? TRUNK;
    const others = byPath.get(path);
    if (others === undefined) byPath.set(path, { own, inclusive, preFork });
    else {
      byPath.set(path, {
        own: addCallSums(others.own, own),
        inclusive: addCallSums(others.inclusive, inclusive),
        preFork: others.preFork === null || preFork === null ? null : addCallSums(others.preFork, preFork),
      });
    }
  }
  return Object.fromEntries(
    [...byPath]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, { own, inclusive, preFork }]) => [path, { own: callTotals(own), inclusive: callTotals(inclusive), pre_fork: preFork === null ? null : callTotals(preFork) }]),
  );
}

function noSuchTrial(runId: string | null, trial: string): UsageError {
  return new UsageError({
    code: 'not_found',
    message: `${runId === null ? 'outside all runs' : `in run ${runId}`} no call belongs to a trial '${trial}'`,
    hint: `\`assay usage ${runId ?? '--no-run'}\` lists the trials there are`,
  });
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
