export { Budget, type BudgetFigures, type BudgetLimits } from './budget.ts';
export type {
  ActualUse,
  AdmitRequest,
  DeploymentStats,
  Limiter,
  Limits,
  Quota,
  QuotaAlert,
  QuotaRule,
  RateSignal,
  Reservation,
  SettleOutcome,
} from './contract.ts';
export { createLimiter, type LimiterOptions } from './limiter.ts';
export type { PastCall } from './replay.ts';
export { openSharedState, type SharedState } from './shared-state.ts';
