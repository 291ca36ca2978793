/** What a simulated provider answers when a request arrives. Times are ms from the answer. */
export interface Verdict {
  readonly ok: boolean;
  readonly retryAfterMs: number;
  readonly remaining: number;
  readonly resetMs: number;
}

/** One limit, enforced in one of the ways that providers enforce theirs. */
export interface Enforcer {
  /** Whether `cost` fits at `now`. */
  fits(now: number, cost: number): boolean;
  /** Answers one request, and counts it where it is `ok` (which other limits may have a say in). */
  answer(now: number, cost: number, ok: boolean): Verdict;
  /** Actual use turned out higher (or lower) than was counted. */
  correct(now: number, cost: number): void;
}

/** A bucket that holds `seconds` of a per-minute limit. */
export class TokenBucket implements Enforcer {
  readonly #perMs: number;
  readonly #capacity: number;
  #level: number;
  #at = -Infinity;

  constructor(perMinute: number, seconds = 5) {
    this.#perMs = perMinute / 60_000;
    this.#capacity = Math.max(1, this.#perMs * seconds * 1_000);
    this.#level = this.#capacity;
  }

  #refill(now: number): void {
    if (this.#at !== -Infinity) this.#level = Math.min(this.#capacity, this.#level + (now - this.#at) * this.#perMs);
    this.#at = now;
  }

  fits(now: number, cost: number): boolean {
    this.#refill(now);
    // A hair of slack: the refill is a sum of fractions.
    return cost <= this.#level + 1e-6;
  }

  answer(now: number, cost: number, ok: boolean): Verdict {
    this.#refill(now);
    if (ok) this.#level -= cost;
    return { ok, retryAfterMs: Math.max(0, (cost - this.#level) / this.#perMs), remaining: Math.max(0, Math.floor(this.#level)), resetMs: (this.#capacity - this.#level) / this.#perMs };
  }

  correct(now: number, cost: number): void {
    this.#refill(now);
    this.#level = Math.min(this.#capacity, this.#level - cost);
  }
}

/** A count that starts again at fixed instants. */
export class FixedWindow implements Enforcer {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #phaseMs: number;
  #window = -1;
  #used = 0;

  constructor(limit: number, windowMs = 60_000, phaseMs = 0) {
    this.#limit = Math.max(1, Math.floor(limit));
    this.#windowMs = windowMs;
    this.#phaseMs = phaseMs;
  }

  #turn(now: number): number {
    const window = Math.floor((now - this.#phaseMs) / this.#windowMs);
    if (window > this.#window) {
      this.#window = window;
      this.#used = 0;
    }
    return (window + 1) * this.#windowMs + this.#phaseMs - now;
  }

  fits(now: number, cost: number): boolean {
    this.#turn(now);
    return this.#used + cost <= this.#limit;
  }

  answer(now: number, cost: number, ok: boolean): Verdict {
    const resetMs = this.#turn(now);
    const retryAfterMs = this.#used + cost <= this.#limit ? 0 : resetMs;
    if (ok) this.#used += cost;
    return { ok, retryAfterMs, remaining: Math.max(0, this.#limit - this.#used), resetMs };
  }

  correct(now: number, cost: number): void {
    this.#turn(now);
    this.#used += cost;
  }
}

/** An exact log of the last window. */
export class SlidingWindow implements Enforcer {
  readonly #limit: number;
  readonly #windowMs: number;
  #log: { at: number; cost: number }[] = [];
  #sum = 0;

  constructor(limit: number, windowMs = 60_000) {
    this.#limit = Math.max(1, Math.floor(limit));
    this.#windowMs = windowMs;
  }

  #forget(now: number): void {
    let gone = 0;
    while (gone < this.#log.length && this.#log[gone]!.at <= now - this.#windowMs) this.#sum -= this.#log[gone++]!.cost;
    if (gone > 0) this.#log = this.#log.slice(gone);
  }

  fits(now: number, cost: number): boolean {
    this.#forget(now);
    return this.#sum + cost <= this.#limit;
  }

  answer(now: number, cost: number, ok: boolean): Verdict {
    const fits = this.fits(now, cost);
    if (ok) this.correct(now, cost);
    const resetMs = this.#log.length === 0 ? 0 : this.#log[0]!.at + this.#windowMs - now;
    return { ok, retryAfterMs: fits ? 0 : resetMs, remaining: Math.max(0, this.#limit - this.#sum), resetMs };
  }

  correct(now: number, cost: number): void {
    this.#forget(now);
    this.#log.push({ at: now, cost });
    this.#sum += cost;
  }
}

/** A minute's limit that is also checked, in proportion, over shorter windows. */
export class SubWindows implements Enforcer {
  readonly #parts: readonly FixedWindow[];

  constructor(limit: number, windowsMs: readonly number[] = [10_000], phaseMs = 0) {
    this.#parts = [60_000, ...windowsMs].map((windowMs) => new FixedWindow((limit * windowMs) / 60_000, windowMs, phaseMs));
  }

  fits(now: number, cost: number): boolean {
    return this.#parts.every((part) => part.fits(now, cost));
  }

  answer(now: number, cost: number, ok: boolean): Verdict {
    const verdicts = this.#parts.map((part) => part.answer(now, cost, ok));
    const least = verdicts.toSorted((a, b) => a.remaining - b.remaining)[0]!;
    return { ok, retryAfterMs: Math.max(...verdicts.map((verdict) => verdict.retryAfterMs)), remaining: least.remaining, resetMs: least.resetMs };
  }

  correct(now: number, cost: number): void {
    for (const part of this.#parts) part.correct(now, cost);
  }
}

export const SERVER_KINDS = ['bucket', 'fixed', 'sliding', 'subwindows'] as const;
export type ServerKind = (typeof SERVER_KINDS)[number];

/** An enforcer of a per-minute limit, of the kind named. */
export function enforcer(kind: ServerKind, perMinute: number, phaseMs = 0): Enforcer {
  switch (kind) {
    case 'bucket':
      return new TokenBucket(perMinute);
    case 'fixed':
      return new FixedWindow(perMinute, 60_000, phaseMs);
    case 'sliding':
      return new SlidingWindow(perMinute);
    case 'subwindows':
      return new SubWindows(perMinute, [10_000], phaseMs);
  }
}
