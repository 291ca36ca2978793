export { Assembly, type AssemblyOptions } from './assembly.ts';
export { simulatorSettings } from './simulator-settings.ts';
export { createRun, planDryRun, resumedConfig, resumeRun, type ExecuteRunOptions, type RunHandle } from './run-handle.ts';
