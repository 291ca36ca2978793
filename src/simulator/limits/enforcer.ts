import { createWindow } from './create-window.ts';
import type { LimitOptions } from './limit-options.ts';
import { OtherTenant } from './other-tenant.ts';
import type { RateWindow } from './window.ts';

/** Limits by what they count. */
export type Dimension = 'rps' | 'rpm' | 'tpm' | 'itpm' | 'otpm';

/** What one request is charged. */
export interface Cost {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface DimensionState {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
}

/** How every enforced limit stands, for response headers. */
export type RateState = { readonly [D in Dimension]?: DimensionState };

export type Admission =
  | { readonly admitted: true }
  | {
      readonly admitted: false;
      readonly dimension: Dimension | 'concurrency';
      /** Milliseconds until it would fit, or `Infinity` where it never does. */
      readonly waitMs: number;
      readonly limit: number;
      readonly remaining: number;
      readonly requested: number;
    };

interface Enforced {
  readonly dimension: Dimension;
  readonly window: RateWindow;
  readonly tenant: OtherTenant | undefined;
  amount(cost: Cost): number;
}

const AMOUNTS: { readonly [D in Dimension]: (cost: Cost) => number } = {
  rps: () => 1,
  rpm: () => 1,
  tpm: (cost) => cost.inputTokens + cost.outputTokens,
  itpm: (cost) => cost.inputTokens,
  otpm: (cost) => cost.outputTokens,
};

/** How long a refused caller is told to wait for a slot; when one frees is not known beforehand. */
const SLOT_WAIT_MS = 1000;

/** All limits of one model: a request passes all of them or is charged to none. */
export class LimitEnforcer {
  readonly #enforced: readonly Enforced[];
  readonly #concurrency: number | undefined;
  #inFlight = 0;

  constructor(options: LimitOptions) {
    this.#concurrency = options.concurrency;
    this.#enforced = (Object.keys(AMOUNTS) as Dimension[]).flatMap((dimension) => {
      const limit = options[dimension];
      return limit === undefined ? [] : [enforce(dimension, limit, options)];
    });
  }

  /** Admits and charges, or says what stands in the way. An admitted request must be released once. */
  admit(cost: Cost, now: number): Admission {
    this.#advance(now);
    if (this.#concurrency !== undefined && this.#inFlight >= this.#concurrency) {
      return { admitted: false, dimension: 'concurrency', waitMs: SLOT_WAIT_MS, limit: this.#concurrency, remaining: 0, requested: 1 };
    }
    let worst: { readonly by: Enforced; readonly waitMs: number } | undefined;
    for (const by of this.#enforced) {
      const waitMs = by.window.waitMs(by.amount(cost), now);
      if (waitMs > (worst?.waitMs ?? 0)) worst = { by, waitMs };
    }
    if (worst !== undefined) {
      const { window, dimension } = worst.by;
      const requested = worst.by.amount(cost);
      return { admitted: false, dimension, waitMs: worst.waitMs, limit: window.limit, remaining: window.remaining(now), requested };
    }
    for (const by of this.#enforced) by.window.take(by.amount(cost), now);
    this.#inFlight++;
    return { admitted: true };
  }

  release(): void {
    this.#inFlight--;
  }

  state(now: number): RateState {
    this.#advance(now);
    return Object.fromEntries(
      this.#enforced.map(({ dimension, window }) => [
        dimension,
        { limit: window.limit, remaining: window.remaining(now), resetMs: window.resetMs(now) },
      ]),
    );
  }

  /** What the other tenant has drawn so far. */
  otherTenant(now: number): { readonly requests: number; readonly tokens: number } {
    this.#advance(now);
    const drawn = (dimension: Dimension): number | undefined => this.#enforced.find((by) => by.dimension === dimension)?.tenant?.drawn;
    return {
      requests: drawn('rpm') ?? drawn('rps') ?? 0,
      tokens: drawn('tpm') ?? (drawn('itpm') ?? 0) + (drawn('otpm') ?? 0),
    };
  }

  #advance(now: number): void {
    for (const { tenant } of this.#enforced) tenant?.advance(now);
  }
}

function enforce(dimension: Dimension, limit: number, options: LimitOptions): Enforced {
  const unit = dimension === 'rps' || dimension === 'rpm' ? 'requests' : 'tokens';
  const periodMs = dimension === 'rps' ? 1000 : 60_000;
  // Sub-windows are a rule about requests of a minute; a token limit cut that small would refuse ordinary prompts.
  const kind = options.kind === 'sub-windows' && dimension !== 'rpm' ? 'fixed-window' : options.kind;
  const bucketMs = dimension === 'rps' ? 1000 : (options.bucketSeconds ?? 5) * 1000;
  const window = createWindow(kind, { limit, periodMs, bucketMs, subWindowMs: (options.subWindowSeconds ?? 10) * 1000 });
  const fraction = options.otherTenant ?? 0;
  const tenant = fraction > 0 ? new OtherTenant(window, { fraction, periodMs, unit }) : undefined;
  return { dimension, window, tenant, amount: AMOUNTS[dimension] };
}
