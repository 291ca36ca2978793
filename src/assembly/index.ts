export { Assembly, type AssemblyOptions } from './assembly.ts';
export { createRun, planDryRun, resumedConfig, resumeRun, type ExecuteRunOptions, type RunHandle } from './run-handle.ts';
