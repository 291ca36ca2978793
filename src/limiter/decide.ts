import type { Quota } from './contract.ts';
import { type DeploymentState, type Holder, inFlight, quotaReserved } from './deployment-state.ts';
import type { Amounts, Dimension, LimitPlan, WindowRule } from './limit-plan.ts';
import { pay, readyAt, refund } from './pace.ts';
import { periodStart } from './quota-period.ts';
import { type Ring, add, createRing, fitsAt } from './ring.ts';
import { countUse, raise } from './throttle.ts';

/** What is asked for one call. */
export interface Ask {
  readonly holder: string;
  readonly amounts: Amounts;
  /** Prompt and the most output allowed, as a provider would count that counts before the fact. */
  readonly asked: number;
  /** Tokens to hold against the long quota. */
  readonly quotaTokens: number;
  /** Since when this has been the holder's first in line. */
  readonly since: number;
  /** Whether it had to wait, so that the rate is what holds calls back. */
  readonly waited: boolean;
}

export interface Rules {
  readonly plan: LimitPlan;
  readonly quota: Quota | undefined;
  /** Cap on concurrency where nothing is known. */
  readonly mostConcurrency: number;
}

/**
 * `wait`: not before `until`. `slots`: not before a call in flight ends. `yield`: another process's turn.
 * `quota`: the quota has no room now; `exhausted` when nothing in flight could give room back either.
 */
export type Decision =
  | { readonly kind: 'granted' }
  /** `paused`: the provider asked for it, our own limits did not. */
  | { readonly kind: 'wait' | 'yield'; readonly until: number; readonly paused?: true }
  | { readonly kind: 'slots' }
  | { readonly kind: 'quota'; readonly exhausted: boolean };

export const GRANTED: Decision = { kind: 'granted' };
const NO_SLOT: Decision = { kind: 'slots' };
/** After the first call past a pause: how long a refusal would take to come back. */
const PROBE_MS = 250;
/** How much longer another process's head must have waited for this one to step back, and how late it may be. */
const TURN_MS = 20;
const TURN_GRACE_MS = 60;
const YIELD_MS = 4;

function ringOf(state: DeploymentState, rule: WindowRule): Ring {
  return (state.rings[rule.key] ??= createRing(rule.windowMs, rule.padMs));
}

/** A ring's key begins with what it counts. */
function dimensionOf(key: string): Dimension {
  return key.slice(0, key.indexOf('/')) as Dimension;
}

/** Most calls in flight at present. */
export function concurrencyBound(state: DeploymentState, rules: Rules): number {
  const { plan } = rules;
  if (plan.rated) return plan.concurrency ?? Infinity;
  return Math.min(plan.concurrency ?? rules.mostConcurrency, state.adaptive.bound);
}

/** Begins a new quota period where the old one is over. */
export function turnPeriod(state: DeploymentState, quota: Quota | undefined, now: number): void {
  const start = periodStart(now, quota);
  if (start > state.quota.start) state.quota = { start, used: 0 };
}

function quotaRoom(state: DeploymentState, rules: Rules, ask: Ask, now: number): Decision | undefined {
  turnPeriod(state, rules.quota, now);
  if (rules.quota === undefined) return undefined;
  const reserved = quotaReserved(state);
  if (state.quota.used + reserved + ask.quotaTokens <= rules.quota.tokens) return undefined;
  return { kind: 'quota', exhausted: reserved === 0 || state.quota.used + ask.quotaTokens > rules.quota.tokens };
}

/** Whether another process has waited longer for the same thing and is about to take it. */
function othersTurn(state: DeploymentState, own: Holder, ask: Ask, now: number, slotsAreScarce: boolean): number | undefined {
  for (const id in state.holders) {
    const other = state.holders[id]!;
    if (other === own || other.head === null) continue;
    if (other.head.since + TURN_MS >= ask.since || now > other.head.due + TURN_GRACE_MS) continue;
    if (slotsAreScarce && other.inFlight >= own.inFlight) continue;
    return Math.max(now, other.head.due) + YIELD_MS;
  }
  return undefined;
}

/** When windows and pace let the call go: `now`, or later. */
function rateReadyAt(state: DeploymentState, plan: LimitPlan, amounts: Amounts, now: number): number {
  let at = now;
  for (const rule of plan.windows) {
    const need = amounts[rule.dimension];
    if (need <= rule.uncheckedAbove) at = Math.max(at, fitsAt(ringOf(state, rule), now, need, rule.limit));
  }
  if (state.probing) return at;
  for (const pace of plan.paces) {
    const cost = amounts[pace.dimension];
    const paidUntil = state.paidUntil[pace.key] ?? 0;
    const perMs = pace.perMs * state.throttle.share;
    let ready = readyAt(paidUntil, { perMs, burstMs: pace.burstMs }, cost, now);
    const hint = state.hints[pace.dimension];
    if (hint !== undefined && hint.until > ready && hint.perMs < perMs) {
      const slower = hint.perMs > 0 ? readyAt(paidUntil, { perMs: hint.perMs, burstMs: 0 }, cost, now) : Infinity;
      ready = Math.min(slower, hint.until);
    }
    at = Math.max(at, ready);
  }
  return at;
}

/** The slowest pace in calls a millisecond, for a call of this size. */
function callsPerMs(state: DeploymentState, plan: LimitPlan, amounts: Amounts): number {
  let least = Infinity;
  for (const pace of plan.paces) least = Math.min(least, (pace.perMs * state.throttle.share) / Math.max(1, amounts[pace.dimension]));
  return least;
}

/** Decides on one call and, where it may go, books it. */
export function take(state: DeploymentState, rules: Rules, ask: Ask, now: number, alone: boolean): Decision {
  const { plan } = rules;
  const own = state.holders[ask.holder]!;
  const noQuota = quotaRoom(state, rules, ask, now);
  if (noQuota !== undefined) return noQuota;
  if (state.pausedUntil > now) return { kind: 'wait', until: state.pausedUntil, paused: true };

  const bound = concurrencyBound(state, rules);
  const busy = inFlight(state);
  if (busy >= bound) return NO_SLOT;

  if (plan.rated) {
    raise(state.throttle, now, callsPerMs(state, plan, ask.amounts), ask.waited);
    const at = rateReadyAt(state, plan, ask.amounts, now);
    if (at > now) return { kind: 'wait', until: at };
  }
  if (!alone) {
    const until = othersTurn(state, own, ask, now, bound !== Infinity && !plan.rated);
    if (until !== undefined) return { kind: 'yield', until };
  }

  if (busy + 1 >= bound) state.adaptive.full = true;
  own.inFlight += 1;
  own.quotaReserved += ask.quotaTokens;
  spend(state, plan, ask.amounts, ask.asked, now);
  if (state.probing) {
    state.probing = false;
    state.probedAt = now;
    state.pausedUntil = now + PROBE_MS;
  }
  return GRANTED;
}

/** Counts a call from `to` on, where it was counted from `from` on before. */
export function move(state: DeploymentState, from: number, to: number, amounts: Amounts): void {
  for (const key in state.rings) {
    const amount = amounts[dimensionOf(key)];
    if (add(state.rings[key]!, from, -amount)) add(state.rings[key]!, to, amount);
  }
}

/** Books a call's use at `now`, in every window that anybody keeps. */
export function spend(state: DeploymentState, plan: LimitPlan, amounts: Amounts, asked: number, now: number): void {
  for (const rule of plan.windows) ringOf(state, rule);
  for (const key in state.rings) add(state.rings[key]!, now, amounts[dimensionOf(key)]);
  if (!plan.rated) return;
  if (plan.counts === 'actual' && plan.largest.tokens !== undefined) add((state.asked ??= createRing(60_000, 0)), now, asked);
  state.throttle.used.calls += 1;
  for (const pace of plan.paces) {
    const rule = { perMs: pace.perMs * state.throttle.share, burstMs: pace.burstMs };
    state.paidUntil[pace.key] = pay(state.paidUntil[pace.key] ?? 0, rule, amounts[pace.dimension], now);
    countUse(state.throttle, pace.key, amounts[pace.dimension] / pace.perMinute);
  }
}

/** Corrects what was booked at `at`: positive amounts are given back, negative ones were used on top. */
export function correct(state: DeploymentState, plan: LimitPlan, at: number, now: number, surplus: Partial<Amounts>): void {
  for (const key in state.rings) {
    const amount = surplus[dimensionOf(key)] ?? 0;
    // What has left the window needs no giving back; what was used on top counts from now then.
    if (amount !== 0 && !add(state.rings[key]!, at, -amount) && amount < 0) add(state.rings[key]!, now, -amount);
  }
  for (const pace of plan.paces) {
    const amount = surplus[pace.dimension] ?? 0;
    if (amount === 0) continue;
    const rule = { perMs: pace.perMs * state.throttle.share, burstMs: pace.burstMs };
    state.paidUntil[pace.key] = refund(state.paidUntil[pace.key] ?? 0, rule, amount);
    countUse(state.throttle, pace.key, -amount / pace.perMinute);
  }
}
