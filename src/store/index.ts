export type {
  CallFilter,
  CallGrouping,
  CallSums,
  GoalCounts,
  PlannedGoal,
  ScoreSums,
  Store,
  WriteOp,
} from './contract.ts';
export { openStore } from './open-store.ts';
export type { OpenStoreOptions } from './open-store.ts';
export { recoverOrphans } from './orphans.ts';
export { isHolderAlive, thisProcess } from './process-identity.ts';
export { createRedactor } from './redaction.ts';
export type { Redactor, Secret } from './redaction.ts';
export { StoreError } from './store-error.ts';
export type { StoreErrorCode } from './store-error.ts';
