import type { AdmitRequest, Reservation } from './contract.ts';

/** A request that waits for its turn. */
export interface Waiter {
  readonly request: AdmitRequest;
  readonly queuedAt: number;
  /** Deployments whose exhausted quota it has left behind. */
  readonly left: readonly string[];
  readonly resolve: (reservation: Reservation) => void;
  readonly reject: (error: unknown) => void;
  /** Stops listening for its abort signal. */
  unlisten: () => void;
  /** When it became the first in line. */
  headSince: number | undefined;
  /** Left the queue, for whatever reason; what is still in the list is skipped. */
  gone: boolean;
}

/**
 * First in, first out; retries before what never left. Leaving from the middle costs nothing now: the place is skipped
 * later, or swept when most places are empty.
 */
export class WaitQueue {
  readonly #retries = new Lane();
  readonly #fresh = new Lane();

  get size(): number {
    return this.#retries.live + this.#fresh.live;
  }

  push(waiter: Waiter): void {
    this.#laneOf(waiter).push(waiter);
  }

  /** The first in line, left in place. */
  peek(): Waiter | undefined {
    return this.#retries.peek() ?? this.#fresh.peek();
  }

  /** Takes a waiter out, wherever it stands. */
  remove(waiter: Waiter): void {
    if (waiter.gone) return;
    waiter.gone = true;
    this.#laneOf(waiter).left();
  }

  *[Symbol.iterator](): Iterator<Waiter> {
    yield* this.#retries;
    yield* this.#fresh;
  }

  #laneOf(waiter: Waiter): Lane {
    return (waiter.request.retry ?? 0) > 0 ? this.#retries : this.#fresh;
  }
}

const SWEEP_ABOVE = 64;

class Lane {
  #places: Waiter[] = [];
  #first = 0;
  live = 0;

  push(waiter: Waiter): void {
    this.#places.push(waiter);
    this.live += 1;
  }

  peek(): Waiter | undefined {
    while (this.#first < this.#places.length && this.#places[this.#first]!.gone) this.#first += 1;
    const waiter = this.#places[this.#first];
    if (waiter === undefined && this.#first > 0) {
      this.#places = [];
      this.#first = 0;
    }
    return waiter;
  }

  left(): void {
    this.live -= 1;
    if (this.#places.length > SWEEP_ABOVE && this.live * 2 < this.#places.length) {
      this.#places = this.#places.filter(({ gone }) => !gone);
      this.#first = 0;
    }
  }

  *[Symbol.iterator](): Iterator<Waiter> {
    for (const waiter of this.#places) if (!waiter.gone) yield waiter;
  }
}
