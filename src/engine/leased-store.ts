import type { Store } from '../store/index.ts';
import type { HeldLease } from './lease-keeper.ts';

/** What executing a run needs of the store. */
export type RunStore = Pick<Store, 'write' | 'goals' | 'attempts' | 'steps' | 'countGoals'>;

/**
 * The store for as long as the lease is held: a process that was stopped, and wakes after another took the run over, writes
 * nothing more into it. Ledger rows go another way: a call that was made is recorded whoever holds the run.
 */
export function leasedStore(store: Store, lease: HeldLease): RunStore {
  return {
    write: async (...ops) => {
      const unsure = lease.confirm();
      if (unsure !== undefined) await unsure;
      return store.write(...ops);
    },
    goals: (runId, options) => store.goals(runId, options),
    attempts: (runId, index) => store.attempts(runId, index),
    steps: (runId, index) => store.steps(runId, index),
    countGoals: (runId) => store.countGoals(runId),
  };
}
