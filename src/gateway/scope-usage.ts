import type { Scope } from '../core/index.ts';
import type { CallSums, Store } from '../store/contract.ts';

/** Sums of one group of calls. `reasoning_tokens` is inside `completion_tokens`; unknown is not zero. */
interface UsageSums {
  readonly calls: number;
  readonly failed_calls: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly reasoning_tokens: number | null;
  readonly total_tokens: number;
  readonly unknown_calls: number;
  readonly estimated_calls: number;
}

const TRUNK = '(trunk)';

/** What a scope has used so far, as the ledger has it: its trial's sums, and its branch's where it is one. */
export async function scopeUsage(store: Pick<Store, 'sumCalls' | 'sumBranches'>, scope: Scope): Promise<object> {
  const { runId, goalIndex, trial, branch } = scope;
  const filter = { runId: runId ?? null, ...(goalIndex === undefined ? {} : { goalIndex }), ...(trial === undefined ? {} : { trial }) };
  const [all, byModel, byRole, branches] = await Promise.all([
    store.sumCalls(filter, 'all'),
    store.sumCalls(filter, 'model'),
    store.sumCalls(filter, 'role'),
    store.sumBranches(filter),
  ]);
  const sums = [...all.values()][0];
  const { calls, ...tokens } = sums === undefined ? NOTHING : sumsOf(sums);
  return {
    scope,
    ...(branch === undefined ? {} : { branch: branch }),
    total_calls: calls,
    ...tokens,
    retries: sums?.retries ?? 0,
    replayed_calls: sums?.calls.replayed ?? 0,
    in_flight: sums?.calls.in_flight ?? 0,
    cost_usd: sums?.cost_usd ?? 0,
    unpriced_calls: sums?.unpriced ?? 0,
    waited_ms: sums?.waited_ms ?? 0,
    calls_by_model: Object.fromEntries(Array.from(byModel, ([model, each]) => [model, each.calls.total])),
    by_role: Object.fromEntries(Array.from(byRole, ([role, each]) => [role, sumsOf(each)])),
    by_branch: Object.fromEntries(branches.map((each) => [each.branch ?? TRUNK, { own: sumsOf(each.own), inclusive: sumsOf(each.inclusive), pre_fork: each.preFork === null ? null : sumsOf(each.preFork) }])),
  };
}

function sumsOf({ calls, prompt_tokens, completion_tokens, reasoning_tokens, total_tokens, unknown_calls, estimated }: CallSums): UsageSums {
  const failed = calls.total - calls.ok - calls.blocked - calls.in_flight;
  return { calls: calls.total, failed_calls: failed, prompt_tokens, completion_tokens, reasoning_tokens, total_tokens, unknown_calls, estimated_calls: estimated };
}

const NOTHING: UsageSums = { calls: 0, failed_calls: 0, prompt_tokens: 0, completion_tokens: 0, reasoning_tokens: null, total_tokens: 0, unknown_calls: 0, estimated_calls: 0 };
