import type { FaultKind } from './faults.ts';
import { type HiddenReason, NO_TOKENS, type ServedOutcome, type ServedRequest, type ServedTokens } from './served.ts';

type Counts<K extends string> = { readonly [key in K]: number };

/** Figures of one model or endpoint. */
export interface GroupStats extends ServedTokens {
  /** All requests, whatever their end. */
  readonly requests: number;
  readonly ok: number;
  readonly rate_limited: number;
}

/** The simulator's own count: what a ledger can be checked against. */
export interface SimStats {
  readonly simulated: true;
  readonly seed: number;
  /** `received` is `in_flight` and all outcomes together. A 429 counts as `rate_limited` and never as served. */
  readonly requests: { readonly received: number; readonly in_flight: number } & Counts<ServedOutcome> & {
      /** By HTTP status; requests that got none are under `none`. */
      readonly by_status: Readonly<Record<string, number>>;
    };
  /** Tokens of every answer that was made, those of spoiled answers too. */
  readonly tokens: ServedTokens;
  /** The part of `tokens` whose usage the client could not read, and why. */
  readonly hidden_usage: ServedTokens & {
    readonly requests: number;
    readonly by_reason: { readonly [R in HiddenReason]?: ServedTokens & { readonly requests: number } };
  };
  readonly faults: { readonly [K in FaultKind]?: number };
  readonly by_model: Readonly<Record<string, GroupStats>>;
  readonly by_endpoint: Readonly<Record<string, GroupStats>>;
  /** What the unseen tenant drew on the limits; in no other figure. */
  readonly other_tenant: { readonly requests: number; readonly tokens: number };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Adds up served requests. */
export class Tally {
  #received = 0;
  #inFlight = 0;
  readonly #outcomes: Mutable<Counts<ServedOutcome>> = { ok: 0, rate_limited: 0, error: 0, malformed: 0, cut: 0, reset: 0, hung: 0, aborted: 0 };
  readonly #byStatus = new Map<string, number>();
  readonly #tokens: Mutable<ServedTokens> = { ...NO_TOKENS };
  readonly #hidden = new Map<HiddenReason, Mutable<ServedTokens> & { requests: number }>();
  readonly #faults = new Map<FaultKind, number>();
  readonly #byModel = new Map<string, Mutable<GroupStats>>();
  readonly #byEndpoint = new Map<string, Mutable<GroupStats>>();

  received(): void {
    this.#received++;
    this.#inFlight++;
  }

  left(): void {
    this.#inFlight--;
  }

  add(served: ServedRequest): void {
    this.#count(served, 1);
  }

  /** Puts one request's figures in the place of what was added for it before. */
  replace(before: ServedRequest, after: ServedRequest): void {
    this.#count(before, -1);
    this.#count(after, 1);
  }

  stats(seed: number, otherTenant: SimStats['other_tenant']): SimStats {
    const hidden: Mutable<ServedTokens> & { requests: number } = { requests: 0, ...NO_TOKENS };
    for (const part of this.#hidden.values()) {
      hidden.requests += part.requests;
      addTokens(hidden, part, 1);
    }
    return {
      simulated: true,
      seed,
      requests: { received: this.#received, in_flight: this.#inFlight, ...this.#outcomes, by_status: nonZero(this.#byStatus) },
      tokens: { ...this.#tokens },
      hidden_usage: { ...hidden, by_reason: Object.fromEntries([...this.#hidden].map(([reason, part]) => [reason, { ...part }])) },
      faults: nonZero(this.#faults),
      by_model: copy(this.#byModel),
      by_endpoint: copy(this.#byEndpoint),
      other_tenant: otherTenant,
    };
  }

  #count(served: ServedRequest, sign: 1 | -1): void {
    this.#outcomes[served.outcome] += sign;
    bump(this.#byStatus, String(served.status ?? 'none'), sign);
    if (served.fault !== null) bump(this.#faults, served.fault, sign);
    addTokens(this.#tokens, served, sign);
    if (served.hidden !== null) {
      const hidden = group(this.#hidden, served.hidden, () => ({ requests: 0, ...NO_TOKENS }));
      hidden.requests += sign;
      addTokens(hidden, served, sign);
    }
    if (served.model !== null) this.#countGroup(this.#byModel, served.model, served, sign);
    if (served.endpoint !== null) this.#countGroup(this.#byEndpoint, served.endpoint, served, sign);
  }

  #countGroup(groups: Map<string, Mutable<GroupStats>>, name: string, served: ServedRequest, sign: 1 | -1): void {
    const sums = group(groups, name, () => ({ requests: 0, ok: 0, rate_limited: 0, ...NO_TOKENS }));
    sums.requests += sign;
    if (served.outcome === 'ok') sums.ok += sign;
    if (served.outcome === 'rate_limited') sums.rate_limited += sign;
    addTokens(sums, served, sign);
  }
}

function addTokens(sums: Mutable<ServedTokens>, tokens: ServedTokens, sign: 1 | -1): void {
  sums.prompt_tokens += sign * tokens.prompt_tokens;
  sums.completion_tokens += sign * tokens.completion_tokens;
  sums.reasoning_tokens += sign * tokens.reasoning_tokens;
  sums.cached_tokens += sign * tokens.cached_tokens;
  sums.cache_write_tokens += sign * tokens.cache_write_tokens;
  sums.total_tokens += sign * tokens.total_tokens;
}

function bump<K>(counts: Map<K, number>, key: K, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function group<K, V>(groups: Map<K, V>, key: K, make: () => V): V {
  let value = groups.get(key);
  if (value === undefined) {
    value = make();
    groups.set(key, value);
  }
  return value;
}

function nonZero<K extends string>(counts: Map<K, number>): Record<K, number> {
  return Object.fromEntries([...counts].filter(([, count]) => count !== 0)) as Record<K, number>;
}

function copy(groups: Map<string, GroupStats>): Record<string, GroupStats> {
  return Object.fromEntries([...groups].map(([name, sums]) => [name, { ...sums }]));
}
