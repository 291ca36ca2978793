import type { BranchSums, CallFilter, CallSums, Store } from '../store/contract.ts';
import { TRUNK, type BranchUsage, type LlmUsage, type UsageSums } from './llm-usage.ts';

/** The `llm_usage` block as the store has it. */
export interface StoredLlmUsage extends LlmUsage {
  /** Calls that have not ended: they are in no other figure. Only where there are any. */
  readonly in_flight_calls?: number;
}

/**
 * The `llm_usage` block of whatever a filter names (a run, one trial of it, calls of no run), from the ledger's rows: calls that any
 * process made, whatever became of it.
 */
export async function llmUsage(store: Pick<Store, 'sumCalls' | 'sumBranches'>, filter: CallFilter): Promise<StoredLlmUsage> {
  const [fates, models, roles, branches] = await Promise.all([store.sumCalls(filter, 'status'), store.sumCalls(filter, 'model'), store.sumCalls(filter, 'role'), store.sumBranches(filter)]);
  const all = [...fates.values()];
  const { calls, failed_calls, unknown_calls, estimated_calls, ...tokens } = all.map(usageSums).reduce(addUsage, NOTHING);
  const sum = (figure: (sums: CallSums) => number): number => all.reduce((total, sums) => total + figure(sums), 0);
  const replayed = sum((sums) => sums.calls.replayed);
  const inFlight = sum((sums) => sums.calls.in_flight);
  return {
    total_calls: calls,
    ...tokens,
    calls_by_model: Object.fromEntries(ended(models).map(([model, sums]) => [model, sums.calls])),
    by_role: Object.fromEntries(ended(roles)),
    by_branch: usageByBranch(branches),
    failed_calls,
    estimated_calls,
    unknown_calls,
    retries: sum((sums) => (sums.calls.in_flight > 0 ? 0 : sums.retries)),
    ...(replayed === 0 ? {} : { replayed_calls: replayed }),
    ...(inFlight === 0 ? {} : { in_flight_calls: inFlight }),
  };
}

/** The store's sums as a log shows them: of ended physical calls. */
function usageSums({ calls, prompt_tokens, completion_tokens, reasoning_tokens, total_tokens, unknown_calls, estimated }: CallSums): UsageSums {
  const ended = calls.total - calls.in_flight;
  return {
    calls: ended,
    failed_calls: ended - calls.ok - calls.blocked,
    prompt_tokens,
    completion_tokens,
    reasoning_tokens,
    total_tokens,
    unknown_calls,
    estimated_calls: estimated,
  };
}

function usageByBranch(branches: readonly BranchSums[]): Record<string, BranchUsage> {
  const byPath = new Map<string, BranchUsage>();
  for (const { branch, own, inclusive, preFork } of branches) {
    const usage = { own: usageSums(own), inclusive: usageSums(inclusive), pre_fork: preFork === null ? null : usageSums(preFork) };
    if (usage.inclusive.calls === 0) continue;
    const path = branch ?? TRUNK;
    const others = byPath.get(path);
    byPath.set(path, others === undefined ? usage : addBranches(others, usage));
  }
  return Object.fromEntries([...byPath].toSorted(byName));
}

function addBranches(a: BranchUsage, b: BranchUsage): BranchUsage {
  return {
    own: addUsage(a.own, b.own),
    inclusive: addUsage(a.inclusive, b.inclusive),
    pre_fork: a.pre_fork === null || b.pre_fork === null ? null : addUsage(a.pre_fork, b.pre_fork),
  };
}

function addUsage(a: UsageSums, b: UsageSums): UsageSums {
  return {
    calls: a.calls + b.calls,
    failed_calls: a.failed_calls + b.failed_calls,
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    completion_tokens: a.completion_tokens + b.completion_tokens,
    reasoning_tokens: a.reasoning_tokens === null ? b.reasoning_tokens : a.reasoning_tokens + (b.reasoning_tokens ?? 0),
    total_tokens: a.total_tokens + b.total_tokens,
    unknown_calls: a.unknown_calls + b.unknown_calls,
    estimated_calls: a.estimated_calls + b.estimated_calls,
  };
}

/** Groups that have calls which ended, by name. */
function ended(groups: ReadonlyMap<string, CallSums>): [string, UsageSums][] {
  return [...groups]
    .map(([name, sums]): [string, UsageSums] => [name, usageSums(sums)])
    .filter(([, { calls }]) => calls > 0)
    .toSorted(byName);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

const NOTHING: UsageSums = { calls: 0, failed_calls: 0, prompt_tokens: 0, completion_tokens: 0, reasoning_tokens: null, total_tokens: 0, unknown_calls: 0, estimated_calls: 0 };
