import { addTotals, REPLAYED, totals, ZERO_TOTALS, type CallIntent, type CallSettlement, type TokenTotals } from '../core/index.ts';
import type { CallCounter } from './call-counter.ts';

/** A running sum of the calls of one scope, kept in this process from the same figures that go to the ledger. */
export class Tally implements CallCounter {
  #tokens: TokenTotals = ZERO_TOTALS;
  #calls = 0;
  #replayed = 0;
  #failed = 0;
  #unknown = 0;
  #estimated = 0;
  #waitedMs = 0;
  #model: string | null = null;
  #deployment: string | null = null;

  add(intent: CallIntent, settlement: CallSettlement): void {
    if (settlement.status === REPLAYED) {
      this.#replayed++;
      return;
    }
    this.#calls++;
    this.#waitedMs += intent.waitedMs;
    this.#deployment = intent.deployment;
    if (settlement.status !== 'ok' && settlement.status !== 'blocked') this.#failed++;
    this.#model = settlement.modelAnswered ?? this.#model ?? intent.modelAsked;
    if (settlement.usage.source === 'estimated') this.#estimated++;
    const sums = totals(settlement.usage);
    if (sums === undefined) this.#unknown++;
    else this.#tokens = addTotals(this.#tokens, sums);
  }

  get tokens(): TokenTotals {
    return this.#tokens;
  }
  /** Physical calls, whatever their fate. */
  get calls(): number {
    return this.#calls;
  }
  /** Requests answered from the store, which are no physical calls. */
  get replayedCalls(): number {
    return this.#replayed;
  }
  get failedCalls(): number {
    return this.#failed;
  }
  get unknownCalls(): number {
    return this.#unknown;
  }
  get estimatedCalls(): number {
    return this.#estimated;
  }
  get waitedMs(): number {
    return this.#waitedMs;
  }
  /** Model that answered last (or was asked, where none answered). */
  get model(): string | null {
    return this.#model;
  }
  get deployment(): string | null {
    return this.#deployment;
  }
}
