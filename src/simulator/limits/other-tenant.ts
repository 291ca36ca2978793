import type { RateWindow } from './window.ts';

/** Tokens are drawn in pieces of about this long, so that the draw is even and cheap. */
const TOKEN_PIECE_MS = 100;

/** A draw that does not fit is tried again for this long; what is older is given up. */
const PATIENCE_MS = 1000;

/**
 * Somebody else on the same quota: draws a fraction of a limit in even pieces, in time order. A piece that does not
 * fit is owed for a moment and then gone without. It is worked out when asked, so it needs no timer.
 */
export class OtherTenant {
  readonly #window: RateWindow;
  readonly #piece: number;
  readonly #everyMs: number;
  readonly #longestReplayMs: number;
  readonly #mostOwed: number;
  #next: number | undefined;
  /** Pieces that are due and did not fit yet. */
  #owed = 0;
  /** Units drawn so far. */
  drawn = 0;

  constructor(window: RateWindow, options: { readonly fraction: number; readonly periodMs: number; readonly unit: 'requests' | 'tokens' }) {
    const perMs = (window.limit * options.fraction) / options.periodMs;
    this.#window = window;
    this.#piece = options.unit === 'requests' ? 1 : Math.max(1, Math.round(perMs * TOKEN_PIECE_MS));
    this.#everyMs = this.#piece / perMs;
    this.#mostOwed = Math.max(1, Math.floor(PATIENCE_MS / this.#everyMs));
    this.#longestReplayMs = options.periodMs * 2;
  }

  /** Draws all pieces that fell due up to `now`. Of a long idle span only the end matters to any window. */
  advance(now: number): void {
    this.#next ??= now;
    if (now - this.#next > this.#longestReplayMs) {
      this.#next += Math.ceil((now - this.#longestReplayMs - this.#next) / this.#everyMs) * this.#everyMs;
    }
    while (this.#next <= now) {
      this.#owed = Math.min(this.#mostOwed, this.#owed + 1);
      this.#draw(this.#next);
      this.#next += this.#everyMs;
    }
    this.#draw(now);
  }

  #draw(at: number): void {
    while (this.#owed > 0 && this.#window.waitMs(this.#piece, at) === 0) {
      this.#window.take(this.#piece, at);
      this.drawn += this.#piece;
      this.#owed--;
    }
  }
}
