export { llmUsage, type StoredLlmUsage } from '../ledger/index.ts';
export type { VariantComparison } from './experiment-comparison.ts';
export type { ForkSummary, PassRate, PerTrial, ScoreSummary, TrialMean, VariantResult } from './experiment-variant.ts';
export { summarizeExperiments, type ExperimentResult } from './experiments.ts';
export { exportJsonl, type JsonlOptions } from './jsonl.ts';
export { isoTime, runListView, runResultView, type RunListItem, type RunResultView } from './run-views.ts';
export { summarizeProbes, type ProbeResult, type WorstExample } from './summary.ts';
export { usageView, type BranchTotals, type BranchTotalsByPath, type CallTotals, type CallTotalsByName, type UsageView } from './usage-view.ts';
