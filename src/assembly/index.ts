export { Assembly, type AssemblyOptions } from './assembly.ts';
export {
  createExecRun,
  execConfig,
  execRequestOf,
  isExecRun,
  resumedExecConfig,
  resumeExecRun,
  type ExecRequest,
  type ExecRun,
  type OpenExecOptions,
} from './exec-run.ts';
export { isGatewayRun, startGatewayRun, type GatewayRun } from './gateway-run.ts';
export { readUpstreamFlag, withUpstreamFlags, type UpstreamFlag } from './gateway-upstreams.ts';
export { installMeter, type Meter, type MeterOptions } from './meter.ts';
export { simulatorSettings } from './simulator-settings.ts';
export { createRun, planDryRun, resumedConfig, resumeRun, type ExecuteRunOptions, type RunHandle } from './run-handle.ts';
