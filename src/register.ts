/**
 * Counts every model call of the program it is loaded into.
 *
 * @example
 * import 'assay/register'; // or: node --import assay/register app.js, or require('assay/register')
 * @module
 */
import { installMeter } from './assembly/meter.ts';

installMeter();

export { installMeter, type Meter, type MeterOptions } from './assembly/meter.ts';
export { bind, branch, clearCurrentTracker, currentScope, currentUsage, exportScope, LLMUsageTracker, phase, role, runInScope, setCurrentTracker, trial } from './tracking/index.ts';
export type { BranchUsage, LlmUsage, UsageSums } from './tracking/index.ts';
