import type { AssayConfig } from '../config/index.ts';
import { PROFILES, type SimulatorOptions } from '../simulator/index.ts';
import { probesPlaybook } from '../suites/index.ts';

/** The simulator's own options for what the configuration says of it: knows the probes, and gives every profile the latency asked for. */
export function simulatorSettings({ seed, limits, faults, latencyMs }: AssayConfig['simulator']): SimulatorOptions {
  return {
    playbooks: [probesPlaybook()],
    ...(seed === undefined ? {} : { seed }),
    ...(limits === undefined ? {} : { limits }),
    ...(faults === undefined ? {} : { faults }),
    ...(latencyMs === undefined
      ? {}
      : { profiles: Object.fromEntries(Object.entries(PROFILES).map(([name, profile]) => [name, { ...profile, latency: { minMs: latencyMs, maxMs: latencyMs } }])) }),
  };
}
