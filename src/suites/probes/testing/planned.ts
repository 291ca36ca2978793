import type { GoalPlan, PlanContext } from '../../../engine/index.ts';
import type { ProbesConfig } from '../config.ts';
import { createProbesSuite } from '../create-suite.ts';

/** All goals that a configuration plans. */
export async function planned(config: ProbesConfig, context: Partial<PlanContext> = {}): Promise<GoalPlan[]> {
  const ctx: PlanContext = { seed: 1, targets: ['sim:weak'], signal: new AbortController().signal, ...context };
  const goals: GoalPlan[] = [];
  for await (const goal of createProbesSuite(config).plan(ctx)) goals.push(goal);
  return goals;
}
