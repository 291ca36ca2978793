import type { RateWindow, WindowSpec } from './window.ts';

interface Taken {
  readonly at: number;
  amount: number;
}

/** Exact: what was taken at `t` counts until `t + period`, so no span of one period ever holds more than the limit. */
export class SlidingWindow implements RateWindow {
  readonly limit: number;
  readonly #periodMs: number;
  #taken: Taken[] = [];
  /** Index of the oldest entry that still counts; those before it are dropped in batches. */
  #head = 0;
  #used = 0;

  constructor(spec: Pick<WindowSpec, 'limit' | 'periodMs'>) {
    this.limit = spec.limit;
    this.#periodMs = spec.periodMs;
  }

  waitMs(amount: number, now: number): number {
    if (amount > this.limit) return Infinity;
    this.#forget(now);
    let excess = this.#used + amount - this.limit;
    if (excess <= 0) return 0;
    for (let index = this.#head; index < this.#taken.length; index++) {
      const entry = this.#taken[index]!;
      excess -= entry.amount;
      if (excess <= 0) return Math.ceil(entry.at + this.#periodMs - now);
    }
    return Math.ceil(this.#periodMs);
  }

  take(amount: number, now: number): void {
    this.#forget(now);
    const last = this.#taken.at(-1);
    if (last !== undefined && this.#taken.length > this.#head && last.at === now) last.amount += amount;
    else this.#taken.push({ at: now, amount });
    this.#used += amount;
  }

  remaining(now: number): number {
    this.#forget(now);
    return Math.max(0, Math.floor(this.limit - this.#used));
  }

  resetMs(now: number): number {
    this.#forget(now);
    const last = this.#taken.length > this.#head ? this.#taken.at(-1) : undefined;
    return last === undefined ? 0 : Math.ceil(last.at + this.#periodMs - now);
  }

  #forget(now: number): void {
    while (this.#head < this.#taken.length && this.#taken[this.#head]!.at + this.#periodMs <= now) {
      this.#used -= this.#taken[this.#head]!.amount;
      this.#head++;
    }
    if (this.#head === this.#taken.length) this.#used = 0;
    if (this.#head < 1024 || this.#head * 2 < this.#taken.length) return;
    this.#taken = this.#taken.slice(this.#head);
    this.#head = 0;
  }
}
