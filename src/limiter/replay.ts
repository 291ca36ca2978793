import type { DeploymentState } from './deployment-state.ts';
import type { LimitPlan } from './limit-plan.ts';
import { pay } from './pace.ts';
import { add, createRing } from './ring.ts';

/** A call of the past, as the ledger tells it. */
export interface PastCall {
  readonly at: number;
  readonly tokens: number;
}

/**
 * Books calls of the last minute, so that a process that starts again does not overrun a window it had filled.
 * The ledger's sum does not say which tokens were input: all count as both.
 */
export function replay(state: DeploymentState, plan: LimitPlan, past: readonly PastCall[]): void {
  for (const rule of plan.windows) state.rings[rule.key] ??= createRing(rule.windowMs, rule.padMs);
  for (const { at, tokens } of past.toSorted((a, b) => a.at - b.at)) {
    for (const rule of plan.windows) add(state.rings[rule.key]!, at, rule.dimension === 'requests' ? 1 : tokens);
    for (const pace of plan.paces) {
      state.paidUntil[pace.key] = pay(state.paidUntil[pace.key] ?? 0, pace, pace.dimension === 'requests' ? 1 : tokens, at);
    }
  }
}
