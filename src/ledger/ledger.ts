import type { CallIntent, CallSettlement } from '../core/index.ts';
import type { Store } from '../store/index.ts';
import { currentTallies } from './scope.ts';
import type { Tally } from './tally.ts';

/** A row whose intent is committed and whose fate is still open. */
export interface OpenCall {
  readonly intent: CallIntent;
  /**
   * Records how the call ended; the first settlement counts, later ones are ignored.
   * Resolves once committed. Writes are in order, so what is written afterwards never commits before it.
   */
  settle(settlement: Omit<CallSettlement, 'id'>): Promise<void>;
}

export interface LedgerOptions {
  readonly store: Pick<Store, 'write'>;
  /** Told of every settled call, after it was handed to the store. */
  readonly onSettled?: (intent: CallIntent, settlement: CallSettlement) => void;
}

/** The book of physical calls: one row each, opened before the call leaves. */
export class Ledger {
  readonly #options: LedgerOptions;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /**
   * Commits the intent of a call. The call may leave once this resolves, and must not if it throws.
   * The tallies of the scope it is opened in will count it, wherever it is settled.
   */
  async open(intent: CallIntent): Promise<OpenCall> {
    const tallies: readonly Tally[] = currentTallies();
    await this.#options.store.write({ op: 'call.open', intent });
    let settled: Promise<void> | undefined;
    return {
      intent,
      settle: (fate) => {
        settled ??= this.#settle(intent, { id: intent.id, ...fate }, tallies);
        return settled;
      },
    };
  }

  async #settle(intent: CallIntent, settlement: CallSettlement, tallies: readonly Tally[]): Promise<void> {
    for (const tally of tallies) tally.add(intent, settlement);
    const committed = this.#options.store.write({ op: 'call.settle', settlement });
    try {
      this.#options.onSettled?.(intent, settlement);
    } finally {
      // A listener that throws must not leave the write without anyone to hear of its failure.
      await committed;
    }
  }
}
