import { FixedWindow } from './fixed-window.ts';
import type { RateWindow, WindowSpec } from './window.ts';

/**
 * A fixed window that is also checked over its parts: each sub-window allows its share of the limit (at least one unit).
 * Azure OpenAI evaluates its requests-per-minute limit over 1 or 10 seconds in this way
 * (Microsoft Learn, "Manage Azure OpenAI quota").
 */
export class SubWindows implements RateWindow {
  readonly limit: number;
  readonly #whole: FixedWindow;
  readonly #part: FixedWindow;

  constructor(spec: Pick<WindowSpec, 'limit' | 'periodMs' | 'subWindowMs'>) {
    this.limit = spec.limit;
    this.#whole = new FixedWindow(spec);
    const share = Math.max(1, Math.floor((spec.limit * spec.subWindowMs) / spec.periodMs));
    this.#part = new FixedWindow({ limit: share, periodMs: spec.subWindowMs });
  }

  waitMs(amount: number, now: number): number {
    return Math.max(this.#whole.waitMs(amount, now), this.#part.waitMs(amount, now));
  }

  take(amount: number, now: number): void {
    this.#whole.take(amount, now);
    this.#part.take(amount, now);
  }

  remaining(now: number): number {
    return Math.min(this.#whole.remaining(now), this.#part.remaining(now));
  }

  resetMs(now: number): number {
    // The reset goes with the remainder that is told: both are of the tighter window.
    return this.#part.remaining(now) <= this.#whole.remaining(now) ? this.#part.resetMs(now) : this.#whole.resetMs(now);
  }
}
