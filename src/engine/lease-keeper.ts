import { AssayError, type CancelTimer, type Clock, type LeaseHolder } from '../core/index.ts';
import { isHolderAlive, type Store } from '../store/index.ts';

export const LEASE_TTL_MS = 30_000;
const HEARTBEAT_MS = 5_000;

/** A run held by this process: renewed until released. */
export interface HeldLease {
  release(): Promise<void>;
}

/**
 * Takes a run's lease and keeps it alive.
 *
 * @param onLost called once when the lease has gone to another process: the run must not be written to any more
 * @throws AssayError `lease_held` when a living process holds it
 */
export async function holdLease(store: Store, runId: string, holder: LeaseHolder, clock: Clock, onLost: () => void): Promise<HeldLease> {
  let lease = await store.acquireLease(runId, holder, clock.now(), LEASE_TTL_MS);
  if (lease.holder.id !== holder.id && !isHolderAlive(lease.holder)) {
    await store.breakLease(runId, lease.holder.id);
    lease = await store.acquireLease(runId, holder, clock.now(), LEASE_TTL_MS);
  }
  if (lease.holder.id !== holder.id) {
    throw new AssayError({
      code: 'lease_held',
      message: `run ${runId} is being executed by process ${lease.holder.pid} on ${lease.holder.host}`,
      hint: 'wait for it to end, or stop that process, then resume',
    });
  }
  let cancel: CancelTimer = () => {};
  let released = false;
  const beat = (): void => {
    cancel = clock.after(HEARTBEAT_MS, () => {
      store.renewLease(runId, holder, clock.now(), LEASE_TTL_MS).then(
        (kept) => {
          if (released) return;
          if (kept) beat();
          else onLost();
        },
        // A store that cannot be written fails the run's own writes too; the next beat may find it well again.
        () => {
          if (!released) beat();
        },
      );
    });
  };
  beat();
  return {
    release: async () => {
      released = true;
      cancel();
      await store.releaseLease(runId, holder);
    },
  };
}
