export { exportJsonl, type JsonlOptions } from './jsonl.ts';
export {
  isoTime,
  runListView,
  runResultView,
  usageView,
  type CallTotals,
  type CallTotalsByName,
  type RunListItem,
  type RunResultView,
  type UsageView,
} from './run-views.ts';
export { summarizeProbes, type ProbeResult, type WorstExample } from './summary.ts';
