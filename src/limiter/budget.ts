import { BudgetExhaustedError } from '../core/index.ts';

/** A figure for each thing a run may cap. */
export interface BudgetFigures {
  readonly calls: number;
  readonly tokens: number;
  readonly usd: number;
}

export type BudgetLimits = Partial<BudgetFigures>;

/** A hold on a budget for one call. Settling or giving back happens once; what comes after is ignored. */
export interface BudgetHold {
  /** The call left and used this much; `usd` is `undefined` where its price is unknown. */
  settle(used: { readonly tokens: number; readonly usd: number | undefined }): void;
  /** The call never left. */
  giveBack(): void;
}

const KINDS = ['calls', 'tokens', 'usd'] as const;
const ZERO: BudgetFigures = { calls: 0, tokens: 0, usd: 0 };
/** Sums of dollars are not exact in floating point: a billionth is nothing. */
const SLACK = 1e-9;

/**
 * What a run may spend, shared by all its roles. Reservations count as spent until they settle, so calls in flight
 * together can not overrun it.
 *
 * @example new Budget({ calls: 1_000, usd: 5 }, { calls: 120, tokens: 90_000, usd: 0.4 })
 */
export class Budget {
  readonly limits: BudgetLimits;
  readonly #used: { calls: number; tokens: number; usd: number };
  readonly #reserved = { ...ZERO };
  readonly #waiting = new Set<() => void>();
  #holds = 0;
  #unpriced = 0;

  /** @param used what the run had spent before, from the ledger */
  constructor(limits: BudgetLimits, used: Partial<BudgetFigures> = {}) {
    this.limits = limits;
    this.#used = { ...ZERO, ...used };
  }

  get used(): BudgetFigures {
    return { ...this.#used };
  }

  get reserved(): BudgetFigures {
    return { ...this.#reserved };
  }

  /** Calls whose price was unknown: they count nothing in `usd`. */
  get unpricedCalls(): number {
    return this.#unpriced;
  }

  /**
   * Whether a call fits now. `wait`: not now, but calls in flight may turn out smaller.
   *
   * @throws BudgetExhaustedError where it does not fit and nothing in flight could change that
   */
  check(need: BudgetFigures): 'fits' | 'wait' {
    for (const kind of KINDS) {
      const limit = this.limits[kind];
      if (limit === undefined || this.#used[kind] + this.#reserved[kind] + need[kind] <= limit + SLACK) continue;
      if (this.#holds > 0 && this.#used[kind] + need[kind] <= limit + SLACK) return 'wait';
      throw new BudgetExhaustedError({ budget: kind, limit, used: this.#used[kind] });
    }
    return 'fits';
  }

  /** Reserves for one call. Call `check` first; a hold is given either way. */
  hold(need: BudgetFigures): BudgetHold {
    this.#holds += 1;
    for (const kind of KINDS) this.#reserved[kind] += need[kind];
    let open = true;
    const end = (): boolean => {
      if (!open) return false;
      open = false;
      this.#holds -= 1;
      for (const kind of KINDS) this.#reserved[kind] = this.#holds === 0 ? 0 : this.#reserved[kind] - need[kind];
      return true;
    };
    return {
      settle: (used) => {
        if (!end()) return;
        this.#used.calls += 1;
        this.#used.tokens += used.tokens;
        this.#used.usd += used.usd ?? 0;
        if (used.usd === undefined) this.#unpriced += 1;
        this.#wake();
      },
      giveBack: () => {
        if (end()) this.#wake();
      },
    };
  }

  /** Calls back once, when something is next settled or given back. Returns how to stop listening. */
  onceFreed(callback: () => void): () => void {
    this.#waiting.add(callback);
    return () => void this.#waiting.delete(callback);
  }

  #wake(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const callback of waiting) callback();
  }
}
