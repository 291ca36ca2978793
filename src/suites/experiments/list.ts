import { builtInExperiments, type BuiltInExperiment } from './registry.ts';

/** An experiment as `assay plugins` shows it. */
export interface ExperimentListing extends Pick<BuiltInExperiment, 'version' | 'tags'> {
  /** `experiments.NAME` */
  readonly id: string;
  readonly family: 'experiments';
  /** What it finds out. */
  readonly goal: string;
}

/** The experiments that come with Assay. */
export function listExperiments(): ExperimentListing[] {
  return builtInExperiments.map(({ name, description, version, tags }) => ({ id: `experiments.${name}`, family: 'experiments', goal: description, version, tags }));
}
