import type { BudgetHold } from './budget.ts';
import type { ActualUse, Reservation, SettleOutcome } from './contract.ts';
import type { Estimate } from './estimate.ts';

/** A call that was admitted, and what was booked for it. */
export interface Booking {
  /** When its use counts from: its admission, or its leaving where that was later. */
  at: number;
  readonly expected: Estimate;
  readonly counts: 'reserved' | 'actual';
  /** Prompt + most output. */
  readonly quotaTokens: number;
  readonly holds: readonly BudgetHold[];
  /** The dollars reserved; `undefined` where the price is unknown. */
  readonly usd: number | undefined;
  readonly usdFor: ((promptTokens: number, outputTokens: number) => number | undefined) | undefined;
}

/** What the deployment does when a call ends. */
export interface Books {
  readonly deployment: string;
  left(booking: Booking): void;
  settled(booking: Booking, actual: ActualUse, outcome: SettleOutcome): void;
  released(booking: Booking, wasSettled: boolean): void;
}

/** The caller's side of a booking. Each of its two methods takes effect once. */
export class CallReservation implements Reservation {
  readonly deployment: string;
  readonly waitedMs: number;
  readonly #books: Books;
  readonly #booking: Booking;
  #settled = false;
  #released = false;

  constructor(books: Books, booking: Booking, waitedMs: number) {
    this.deployment = books.deployment;
    this.waitedMs = waitedMs;
    this.#books = books;
    this.#booking = booking;
  }

  get promptTokens(): number {
    return this.#booking.expected.prompt;
  }

  get outputTokens(): number {
    return this.#booking.expected.output;
  }

  left(): void {
    if (!this.#settled && !this.#released) this.#books.left(this.#booking);
  }

  settle(actual: ActualUse, outcome: SettleOutcome = 'answered'): void {
    if (this.#settled || this.#released) return;
    this.#settled = true;
    this.#books.settled(this.#booking, actual, outcome);
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#books.released(this.#booking, this.#settled);
  }
}
