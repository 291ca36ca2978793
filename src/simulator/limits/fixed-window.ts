import type { RateWindow, WindowSpec } from './window.ts';

/** A counter that starts over at every multiple of the period, so a burst on both sides of the turn may pass. */
export class FixedWindow implements RateWindow {
  readonly limit: number;
  readonly #periodMs: number;
  #start = -Infinity;
  #used = 0;

  constructor(spec: Pick<WindowSpec, 'limit' | 'periodMs'>) {
    this.limit = spec.limit;
    this.#periodMs = spec.periodMs;
  }

  waitMs(amount: number, now: number): number {
    if (amount > this.limit) return Infinity;
    this.#turn(now);
    return this.#used + amount <= this.limit ? 0 : this.#untilTurn(now);
  }

  take(amount: number, now: number): void {
    this.#turn(now);
    this.#used += amount;
  }

  remaining(now: number): number {
    this.#turn(now);
    return Math.max(0, Math.floor(this.limit - this.#used));
  }

  resetMs(now: number): number {
    this.#turn(now);
    return this.#used === 0 ? 0 : this.#untilTurn(now);
  }

  #turn(now: number): void {
    const start = Math.floor(now / this.#periodMs) * this.#periodMs;
    if (start === this.#start) return;
    this.#start = start;
    this.#used = 0;
  }

  #untilTurn(now: number): number {
    return Math.ceil(this.#start + this.#periodMs - now);
  }
}
