import type { RateWindow, WindowSpec } from './window.ts';

/** Absorbs the rounding of repeated small refills; far below one request or token. */
const ROUNDING = 1e-6;

/**
 * A bucket that refills evenly and holds `bucketMs` worth of the limit (at least one unit). Starts full.
 *
 * A request larger than the bucket, but within the limit, is admitted when the bucket is full and leaves it in debt:
 * over any span the sum admitted stays within rate × span + the larger of the bucket and the largest request.
 */
export class TokenBucket implements RateWindow {
  readonly limit: number;
  readonly capacity: number;
  readonly #perMs: number;
  #level: number;
  #at: number | undefined;

  constructor(spec: Pick<WindowSpec, 'limit' | 'periodMs' | 'bucketMs'>) {
    this.limit = spec.limit;
    this.#perMs = spec.limit / spec.periodMs;
    this.capacity = Math.max(1, this.#perMs * spec.bucketMs);
    this.#level = this.capacity;
  }

  waitMs(amount: number, now: number): number {
    if (amount > Math.max(this.limit, this.capacity)) return Infinity;
    const missing = Math.min(amount, this.capacity) - this.#refilled(now);
    return missing <= ROUNDING ? 0 : Math.ceil(missing / this.#perMs);
  }

  take(amount: number, now: number): void {
    this.#level = this.#refilled(now) - amount;
  }

  remaining(now: number): number {
    return Math.max(0, Math.floor(this.#refilled(now) + ROUNDING));
  }

  resetMs(now: number): number {
    return Math.ceil((this.capacity - this.#refilled(now)) / this.#perMs);
  }

  #refilled(now: number): number {
    if (this.#at !== undefined) this.#level = Math.min(this.capacity, this.#level + (now - this.#at) * this.#perMs);
    this.#at = now;
    return this.#level;
  }
}
