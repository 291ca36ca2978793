export type { AttemptResult, GoalContext, GoalPlan, PlanContext, Suite } from './contract.ts';
export { dryRun, type DryRun, type DryRunOptions } from './dry-run.ts';
export { errorEnd, type ErrorEnd } from './error-outcome.ts';
export { executeRun, type ExecuteOptions, type RunEnd } from './execute-run.ts';
export { GoalError } from './goal-error.ts';
export { holdLease, type HeldLease } from './lease-keeper.ts';
export { ProgressCounter, type RunProgress } from './progress.ts';
