export type {
  AnswerKey,
  BranchSums,
  CallFilter,
  CallGrouping,
  CallOp,
  CallSums,
  ForkRecord,
  GoalCounts,
  PlannedGoal,
  ScoreSums,
  Store,
  StoredAnswer,
  WriteOp,
} from './contract.ts';
export { openStore } from './open-store.ts';
export type { OpenStoreOptions } from './open-store.ts';
export { recoverOrphans } from './orphans.ts';
export { isHolderAlive, thisProcess } from './process-identity.ts';
export { createRedactor } from './redaction.ts';
export type { Redactor, Secret } from './redaction.ts';
export { addSums as addCallSums } from './reads/sum-rows.ts';
export { StoreError } from './store-error.ts';
export type { StoreErrorCode } from './store-error.ts';
