import type { Limits } from './contract.ts';
import type { PaceRule } from './pace.ts';

/** What a limit counts. */
export const DIMENSIONS = ['requests', 'tokens', 'input', 'output'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** What one call counts for in each dimension. */
export type Amounts = Readonly<Record<Dimension, number>>;

/** At most `limit` over any stretch of `windowMs`. */
export interface WindowRule {
  readonly key: string;
  readonly dimension: Dimension;
  readonly windowMs: number;
  readonly padMs: number;
  readonly limit: number;
  /** Calls that cost more than this pass unchecked (they still count); for windows nobody asked for. */
  readonly uncheckedAbove: number;
}

/** Limits in the form that decisions are taken on. */
export interface LimitPlan {
  readonly windows: readonly WindowRule[];
  readonly paces: readonly (PaceRule & { readonly key: string; readonly dimension: Dimension; readonly perMinute: number })[];
  /** The most one call may cost, by dimension. */
  readonly largest: Partial<Record<Dimension, { readonly limit: number; readonly name: string }>>;
  readonly concurrency: number | undefined;
  /** Whether any rate is known: then pace and windows hold calls back, and no bound on concurrency is made up. */
  readonly rated: boolean;
  readonly counts: 'reserved' | 'actual';
}

const MINUTE_MS = 60_000;
/** Share of a known rate that pacing aims at: the rest covers network jitter and slot rounding. */
const PACE_SHARE = 0.98;
const BURST_MS = 1_000;
/** Tokens need more: calls differ in size, and what one leaves over the next shall use. */
const TOKEN_BURST_MS = 2_000;
const SMALL_BURST_MS = 100;
/** The sub-window that is kept without being asked for, where rounding costs less than `MOST_LOSS`. */
const DEFAULT_SUB_WINDOW_MS = 10_000;
const MOST_LOSS = 0.02;
/** A call above this share of a token window that nobody asked for passes it unchecked: few fit, and rounding would waste it. */
const UNCHECKED_ABOVE = 0.06;
/** Token windows shorter than this are left to pacing: few calls fit one, and rounding would waste it. */
const SHORTEST_TOKEN_WINDOW_MS = 5_000;

/** What a call may be early or late by on its way, so that a window closed here is closed there: 1 % of the window, 100 to 600 ms. */
function padMs(windowMs: number): number {
  return Math.min(600, Math.max(100, windowMs * 0.01));
}

/** The rate at which a window, with its pad and a slot's rounding, is just filled. */
function sustained(window: WindowRule): number {
  return window.limit / (window.windowMs * 1.01 + window.padMs);
}

function windowRule(dimension: Dimension, windowMs: number, limit: number, uncheckedAbove = Infinity): WindowRule {
  return { key: `${dimension}/${windowMs}`, dimension, windowMs, padMs: padMs(windowMs), limit, uncheckedAbove };
}

/** Turns a deployment's limits into windows and paces. Unknown limits give none. */
export function planLimits(limits: Limits | undefined): LimitPlan {
  const windows: WindowRule[] = [];
  const paces: LimitPlan['paces'][number][] = [];
  const largest: { -readonly [K in keyof LimitPlan['largest']]: LimitPlan['largest'][K] } = {};
  const subWindows = limits?.subWindowsMs ?? [];

  if (limits?.rps !== undefined) {
    // A fraction of a request a second can only be kept over a longer window.
    const factor = Number.isInteger(limits.rps) ? 1 : limits.rps >= 0.1 ? 10 : 1 / limits.rps;
    const rule = windowRule('requests', 1_000 * factor, Math.max(1, Math.floor(limits.rps * factor + 1e-9)));
    windows.push(rule);
    paces.push({ key: 'rps', dimension: 'requests', perMs: sustained(rule), burstMs: SMALL_BURST_MS, perMinute: limits.rps * 60 });
  }

  if (limits?.rpm !== undefined) {
    const rules = [windowRule('requests', MINUTE_MS, Math.max(1, Math.floor(limits.rpm)))];
    for (const windowMs of subWindows) rules.push(windowRule('requests', windowMs, Math.max(1, Math.floor((limits.rpm * windowMs) / MINUTE_MS))));
    const tenth = (limits.rpm * DEFAULT_SUB_WINDOW_MS) / MINUTE_MS;
    const smooth = Math.floor(tenth) >= tenth * (1 - MOST_LOSS);
    if (smooth && !subWindows.includes(DEFAULT_SUB_WINDOW_MS)) rules.push(windowRule('requests', DEFAULT_SUB_WINDOW_MS, Math.floor(tenth)));
    windows.push(...rules);
    const perMs = Math.min((PACE_SHARE * limits.rpm) / MINUTE_MS, ...rules.map(sustained));
    paces.push({ key: 'rpm', dimension: 'requests', perMs, burstMs: smooth || subWindows.length > 0 ? BURST_MS : SMALL_BURST_MS, perMinute: limits.rpm });
  }

  const tokenLimits = [
    ['tokens', limits?.tpm, 'tpm'],
    ['input', limits?.itpm, 'itpm'],
    ['output', limits?.otpm, 'otpm'],
  ] as const;
  for (const [dimension, limit, name] of tokenLimits) {
    if (limit === undefined) continue;
    largest[dimension] = { limit, name };
    windows.push(windowRule(dimension, MINUTE_MS, Math.floor(limit)));
    for (const windowMs of subWindows) {
      if (windowMs >= SHORTEST_TOKEN_WINDOW_MS) windows.push(windowRule(dimension, windowMs, Math.floor((limit * windowMs) / MINUTE_MS)));
    }
    if (!subWindows.includes(DEFAULT_SUB_WINDOW_MS)) {
      const tenth = Math.floor((limit * DEFAULT_SUB_WINDOW_MS) / MINUTE_MS);
      windows.push(windowRule(dimension, DEFAULT_SUB_WINDOW_MS, tenth, tenth * UNCHECKED_ABOVE));
    }
    paces.push({ key: name, dimension, perMs: (PACE_SHARE * limit) / MINUTE_MS, burstMs: TOKEN_BURST_MS, perMinute: limit });
  }

  return { windows, paces, largest, concurrency: limits?.concurrency, rated: paces.length > 0, counts: limits?.counts ?? 'actual' };
}
