import type { DeploymentStats } from './contract.ts';
import { type Rules, concurrencyBound, turnPeriod } from './decide.ts';
import { type DeploymentState, inFlight, quotaReserved } from './deployment-state.ts';
import { periodEnd } from './quota-period.ts';
import { advance } from './ring.ts';

/** What one limiter knows by itself. */
export interface OwnFigures {
  readonly deployment: string;
  readonly waiting: number;
  readonly inFlight: number;
  readonly limited: number;
}

/** When the quota runs out if tokens keep flowing as in the last minute; `null` where they would last out the period. */
function projectedExhaustion(state: DeploymentState, rules: Rules, now: number): number | null {
  if (rules.quota === undefined || state.flow === null) return null;
  advance(state.flow, now);
  const perMs = state.flow.sum / Math.min(60_000, Math.max(1_000, now - state.startedAt));
  const left = Math.max(0, rules.quota.tokens - state.quota.used);
  if (left > 0 && perMs <= 0) return null;
  const at = left === 0 ? now : now + left / perMs;
  return at < periodEnd(now, rules.quota) ? at : null;
}

/** A deployment's live figures. In-flight and waiting calls and 429s are this limiter's own, the rest all sharers'. */
export function describeState(state: DeploymentState, rules: Rules, now: number, own: OwnFigures): DeploymentStats {
  turnPeriod(state, rules.quota, now);
  const { plan, quota } = rules;
  const uses: number[] = [];
  for (const rule of plan.windows) {
    // Windows that nobody asked for say nothing about a limit.
    if (rule.uncheckedAbove !== Infinity) continue;
    const ring = state.rings[rule.key];
    if (ring !== undefined) advance(ring, now);
    uses.push((ring?.sum ?? 0) / rule.limit);
  }
  const bound = concurrencyBound(state, rules);
  if (plan.concurrency !== undefined) uses.push(inFlight(state) / plan.concurrency);
  return {
    deployment: own.deployment,
    utilization: uses.length === 0 ? null : Math.min(1, Math.max(...uses)),
    waiting: own.waiting,
    in_flight: own.inFlight,
    quota_percentage: quota === undefined ? null : (state.quota.used / quota.tokens) * 100,
    cumulative_tokens: state.quota.used,
    limited_count: own.limited,
    projected_exhaustion: projectedExhaustion(state, rules, now),
    concurrency: bound === Infinity ? null : bound,
    paused_until: state.pausedUntil > now ? state.pausedUntil : null,
  };
}

/** How many more tokens may be used before half of any limit on them is. Below 0 where more is used already. */
export function tokensUntilHalf(state: DeploymentState, { plan, quota }: Rules): number {
  let least = quota === undefined ? Infinity : quota.tokens / 2 - state.quota.used - quotaReserved(state);
  for (const { key, dimension, limit } of plan.windows) {
    if (dimension !== 'requests') least = Math.min(least, limit / 2 - (state.rings[key]?.sum ?? 0));
  }
  return least;
}
