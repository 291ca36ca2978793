import type { CallIntent, CallSettlement } from '../core/index.ts';
import type { CallOp, ForkRecord, Store, WriteOp } from '../store/index.ts';
import type { CallCounter, Fork } from './call-counter.ts';
import { currentForks, currentTallies } from './scope.ts';

/** A row whose intent is on record and whose fate is still open. */
export interface OpenCall {
  readonly intent: CallIntent;
  /**
   * Records how the call ended; the first settlement counts, later ones are ignored.
   * Resolves once it will outlive the process. Writes are in order, so what is written afterwards never commits before it.
   *
   * @param also writes that are committed with it or not at all
   */
  settle(settlement: Omit<CallSettlement, 'id'>, ...also: readonly WriteOp[]): Promise<void>;
}

export interface LedgerOptions {
  /** What has `writeSoon` gets calls that way, unless something else is to be committed with them. */
  readonly store: Pick<Store, 'write'> & Partial<Pick<Store, 'writeSoon'>>;
  /** Told of every settled call, after it was handed to the store. */
  readonly onSettled?: (intent: CallIntent, settlement: CallSettlement) => void;
}

/** Forks remembered as entered. One that was forgotten is written again, and the store keeps the first. */
const MOST_FORKS = 20_000;

/** The book of physical calls: one row each, opened before the call leaves. */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #writeCall: (...ops: readonly CallOp[]) => Promise<void>;
  /** Forks whose entry is on record. */
  readonly #entered = new Set<string>();

  constructor(options: LedgerOptions) {
    this.#options = options;
    const { store } = options;
    this.#writeCall = (...ops) => store.writeSoon?.(...ops) ?? store.write(...ops);
  }

  /**
   * Puts the intent of a call on record, where it outlives the process. The call may leave once this resolves, and must not if it throws.
   * The tallies of the scope it is opened in will count it, wherever it is settled.
   */
  async open(intent: CallIntent): Promise<OpenCall> {
    const tallies = currentTallies();
    const forks = currentForks();
    for (const tally of tallies) tally.opened?.(intent, forks);
    try {
      await this.#write(intent, forks);
    } catch (error) {
      for (const tally of tallies) tally.closed?.(intent);
      throw error;
    }
    let settled: Promise<void> | undefined;
    return {
      intent,
      settle: (fate, ...also) => {
        settled ??= this.#settle(intent, { id: intent.id, ...fate }, tallies, also);
        return settled;
      },
    };
  }

  /** The first call in a branch enters its fork with it; a branch without calls needs no entry. */
  async #write(intent: CallIntent, forks: readonly Fork[]): Promise<void> {
    if (forks.length === 0) return this.#writeCall({ op: 'call.open', intent });
    const { runId = null, goalIndex = null, trial = null } = intent.scope;
    const fresh = forks.map((fork): ForkRecord => ({ runId, goalIndex, trial, ...fork })).filter((fork) => !this.#entered.has(forkKey(fork)));
    await this.#writeCall(...fresh.map((fork): CallOp => ({ op: 'fork.add', fork })), { op: 'call.open', intent });
    for (const fork of fresh) this.#entered.add(forkKey(fork));
    if (this.#entered.size > MOST_FORKS) this.#entered.clear();
  }

  async #settle(intent: CallIntent, settlement: CallSettlement, tallies: readonly CallCounter[], also: readonly WriteOp[]): Promise<void> {
    for (const tally of tallies) tally.add(intent, settlement);
    try {
      const op = { op: 'call.settle', settlement } as const;
      const committed = also.length === 0 ? this.#writeCall(op) : this.#options.store.write(op, ...also);
      try {
        this.#options.onSettled?.(intent, settlement);
      } finally {
        // A listener that throws must not leave the write without anyone to hear of its failure.
        await committed;
      }
    } finally {
      for (const tally of tallies) tally.closed?.(intent);
    }
  }
}

function forkKey({ runId, goalIndex, trial, branch }: ForkRecord): string {
  return JSON.stringify([runId, goalIndex, trial, branch]);
}
