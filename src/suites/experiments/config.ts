import type { JsonObject } from '../../core/index.ts';
import type { BuiltInExperiment } from './registry.ts';

/** What a suite of experiments is made from. */
export interface ExperimentsConfig {
  /** `experiments:FILE` for a module of the user's, `experiments.NAME` for one that comes with Assay. */
  readonly specs: readonly string[];
  /** Folder that files are relative to. */
  readonly cwd: string;
  /** Trials of each variant against each target; also how many seeds there are. Default 10. */
  readonly trials?: number;
  /** Only these variants; all by default. */
  readonly variants?: readonly string[];
  /** Laid over each variant's own parameters. */
  readonly params?: JsonObject;
  /** In place of the experiment's own. */
  readonly threshold?: number;
  /** Asked before each trial; what it throws keeps the trial from beginning. */
  readonly mayStart?: () => void;
  /** Those that come with Assay, where others are meant than the registry's. */
  readonly builtIn?: readonly BuiltInExperiment[];
}

export const DEFAULT_TRIALS = 10;
/** The target of trials in a run without one: they make calls of their own. */
export const NO_TARGET = 'none';
