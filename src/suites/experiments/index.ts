export type { ExperimentsConfig } from './config.ts';
export type { Experiment, ExperimentFunction, ScoreOptions, TrialContext, TrialResult, TrialReturn } from './contract.ts';
export { createExperimentsSuite, type ExperimentsSuite } from './create-suite.ts';
export { defineExperiment } from './define-experiment.ts';
export { listExperiments, type ExperimentListing } from './list.ts';
export { noteRefusal } from './refusals.ts';
