import type { Scope } from '../core/index.ts';
import { llmUsage, type StoredLlmUsage } from '../ledger/index.ts';
import type { Store } from '../store/contract.ts';

/** What a scope's trial has used so far, in the shape of an experiment's log. */
export interface ScopeUsage extends StoredLlmUsage {
  readonly scope: Scope;
  /** US dollars of the calls whose price is known. */
  readonly cost_usd: number;
  /** Calls with tokens but no price: they are not in the cost. */
  readonly unpriced_calls: number;
  /** Milliseconds spent waiting for admission, summed over calls. */
  readonly waited_ms: number;
}

/** What a scope has used so far, as the ledger has it: its trial's sums, branch by branch. */
export async function scopeUsage(store: Pick<Store, 'sumCalls' | 'sumBranches'>, scope: Scope): Promise<ScopeUsage> {
  const { runId, goalIndex, trial } = scope;
  const filter = { runId: runId ?? null, ...(goalIndex === undefined ? {} : { goalIndex }), ...(trial === undefined ? {} : { trial }) };
  const [usage, all] = await Promise.all([llmUsage(store, filter), store.sumCalls(filter, 'all')]);
  const sums = all.get('all');
  return { scope, ...usage, cost_usd: sums?.cost_usd ?? 0, unpriced_calls: sums?.unpriced ?? 0, waited_ms: sums?.waited_ms ?? 0 };
}
