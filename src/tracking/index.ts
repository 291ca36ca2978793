export { currentScope, exportScope, runInScope, type BranchUsage, type LlmUsage, type UsageSums } from '../ledger/index.ts';
export { clearCurrentTracker, LLMUsageTracker, setCurrentTracker } from './llm-usage-tracker.ts';
export { bind, branch, phase, role, trial } from './scoped.ts';
export { currentUsage, TrialTally } from './trial-tally.ts';
