import type { LimitOptions } from './limit-options.ts';
import { LimitEnforcer } from './enforcer.ts';

export interface LimitBookOptions {
  readonly limits: LimitOptions | undefined;
  /** By model (`weak@b`) or profile (`weak`); the model's own entry comes first. */
  readonly limitsByModel: Readonly<Record<string, LimitOptions>>;
}

/** Finds the limits that a model is under, one enforcer per model or per family. */
export class LimitBook {
  readonly #options: LimitBookOptions;
  readonly #enforcers = new Map<string, LimitEnforcer>();

  constructor(options: LimitBookOptions) {
    this.#options = options;
  }

  /** The enforcer and its options, or `undefined` where the model is not limited. */
  of(model: string, family: string): { readonly enforcer: LimitEnforcer; readonly options: LimitOptions } | undefined {
    const options = this.#options.limitsByModel[model] ?? this.#options.limitsByModel[family] ?? this.#options.limits;
    if (options === undefined) return undefined;
    const key = options.scope === 'family' ? family : model;
    let enforcer = this.#enforcers.get(key);
    if (enforcer === undefined) {
      enforcer = new LimitEnforcer(options);
      this.#enforcers.set(key, enforcer);
    }
    return { enforcer, options };
  }

  /** What unseen tenants have drawn on all models asked for so far. */
  otherTenant(now: number): { readonly requests: number; readonly tokens: number } {
    let requests = 0;
    let tokens = 0;
    for (const enforcer of this.#enforcers.values()) {
      const drawn = enforcer.otherTenant(now);
      requests += drawn.requests;
      tokens += drawn.tokens;
    }
    return { requests, tokens };
  }
}
