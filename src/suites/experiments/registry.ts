import type { Experiment } from './contract.ts';

/** An experiment that comes with Assay. */
export interface BuiltInExperiment {
  /** `experiments.NAME` runs it. */
  readonly name: string;
  readonly description: string;
  /** Raised whenever its trials change; part of every goal's key. */
  readonly version: number;
  readonly tags: readonly string[];
  /** Loaded when it is run: it may need packages that nothing else does. */
  readonly load: () => Promise<Experiment<never>>;
}

/** Every experiment that comes with Assay, in the order in which they are listed. */
export const builtInExperiments: readonly BuiltInExperiment[] = [];
