import { AssayError, type CancelTimer, type Clock, type LeaseHolder } from '../core/index.ts';
import { isHolderAlive, type Store } from '../store/index.ts';

export const LEASE_TTL_MS = 30_000;
const HEARTBEAT_MS = 5_000;

/** A run held by this process: renewed until released. */
export interface HeldLease {
  /**
   * Whether the run may be written to now. `undefined` where the lease is surely ours; otherwise (this process slept past its end)
   * a promise that resolves once it was renewed.
   *
   * @throws AssayError `lease_held` once the lease has gone to another process
   */
  confirm(): Promise<void> | undefined;
  release(): Promise<void>;
}

/**
 * Takes a run's lease and keeps it alive.
 *
 * @param onLost called once when the lease has gone to another process: the run must not be written to any more
 * @throws AssayError `lease_held` when a living process holds it
 */
export async function holdLease(store: Store, runId: string, holder: LeaseHolder, clock: Clock, onLost: (error: AssayError) => void): Promise<HeldLease> {
  let askedAt = clock.now();
  let lease = await store.acquireLease(runId, holder, askedAt, LEASE_TTL_MS);
  if (lease.holder.id !== holder.id && !isHolderAlive(lease.holder)) {
    await store.breakLease(runId, lease.holder.id);
    askedAt = clock.now();
    lease = await store.acquireLease(runId, holder, askedAt, LEASE_TTL_MS);
  }
  if (lease.holder.id !== holder.id) {
    throw new AssayError({
      code: 'lease_held',
      message: `run ${runId} is being executed by process ${lease.holder.pid} on ${lease.holder.host}`,
      hint: 'wait for it to end, or stop that process, then resume',
    });
  }
  return new LeaseKeeper({ store, runId, holder, clock, onLost }, askedAt + LEASE_TTL_MS);
}

interface KeeperParts {
  readonly store: Store;
  readonly runId: string;
  readonly holder: LeaseHolder;
  readonly clock: Clock;
  readonly onLost: (error: AssayError) => void;
}

class LeaseKeeper implements HeldLease {
  readonly #parts: KeeperParts;
  #surelyUntil: number;
  #cancelBeat: CancelTimer = () => {};
  #renewing: Promise<void> | undefined;
  #lost: AssayError | undefined;
  #released = false;

  constructor(parts: KeeperParts, surelyUntil: number) {
    this.#parts = parts;
    this.#surelyUntil = surelyUntil;
    this.#beat();
  }

  confirm(): Promise<void> | undefined {
    if (this.#lost !== undefined) throw this.#lost;
    return this.#parts.clock.now() < this.#surelyUntil ? undefined : this.#renew();
  }

  async release(): Promise<void> {
    this.#released = true;
    this.#cancelBeat();
    await this.#parts.store.releaseLease(this.#parts.runId, this.#parts.holder);
  }

  #beat(): void {
    this.#cancelBeat = this.#parts.clock.after(HEARTBEAT_MS, () => {
      // A store that cannot be written fails the run's own writes too; the next beat may find it well again.
      void this.#renew()
        .catch(() => {})
        .then(() => {
          if (!this.#released && this.#lost === undefined) this.#beat();
        });
    });
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#ask().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #ask(): Promise<void> {
    const { store, runId, holder, clock, onLost } = this.#parts;
    const askedAt = clock.now();
    const kept = await store.renewLease(runId, holder, askedAt, LEASE_TTL_MS);
    if (kept) {
      this.#surelyUntil = askedAt + LEASE_TTL_MS;
      return;
    }
    if (this.#released) return;
    const first = this.#lost === undefined;
    this.#lost ??= new AssayError({
      code: 'lease_held',
      message: `run ${runId} was taken over by another process, and goes on there`,
      hint: `\`assay show ${runId}\` shows how it stands`,
    });
    if (first) onLost(this.#lost);
    throw this.#lost;
  }
}
