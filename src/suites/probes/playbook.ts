import type { Playbook } from '../../simulator/index.ts';
import { probes } from './registry.ts';

/** What makes the simulated model `sim:weak` fall for the probes: every probe's own rules, in the order of the registry. */
export function probesPlaybook(): Playbook {
  return { name: 'probes', rules: probes.flatMap((probe) => probe.weakness) };
}
