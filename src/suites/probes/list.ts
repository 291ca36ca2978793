import type { ProbeDescription } from './contract.ts';
import { customProbe } from './custom/description.ts';
import { probes } from './registry.ts';

/** A probe as `assay plugins` shows it. */
export interface ProbeListing extends Pick<ProbeDescription, 'id' | 'version' | 'family' | 'goal' | 'description' | 'tags' | 'references' | 'detectors'> {
  readonly sequential: boolean;
  /** Most turns of one conversation. */
  readonly turns: number;
}

/** All probes, `probes.custom` last. */
export function listProbes(): ProbeListing[] {
  return [
    ...probes.map((probe) => listing(probe, probe.turns ?? 1)),
    listing(customProbe, 1),
  ];
}

function listing(probe: ProbeDescription, turns: number): ProbeListing {
  const { id, version, family, goal, description, tags, references, detectors, sequential = false } = probe;
  return { id, version, family, goal, description, tags, references, detectors, sequential, turns };
}
