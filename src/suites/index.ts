export { exitStatus, startCommand, type CommandEnd, type LineSink, type RunningCommand } from './experiments/command-process.ts';
export { COMMAND_PLUGIN, createCommandSuite, trialOf, type CommandScore, type CommandSuiteOptions, type TrialEnd } from './experiments/command-suite.ts';
export { placeholdersOf, shown } from './experiments/command-template.ts';
export { checkTrialName, readTrials, type CommandTrial } from './experiments/command-trials.ts';
export { selectPlugins, type Selectable } from './select-plugins.ts';
export {
  createExperimentsSuite,
  defineExperiment,
  listExperiments,
  noteRefusal,
  type Experiment,
  type ExperimentFunction,
  type ExperimentListing,
  type ExperimentsConfig,
  type ExperimentsSuite,
  type ScoreOptions,
  type TrialContext,
  type TrialResult,
  type TrialReturn,
} from './experiments/index.ts';
export { createProbesSuite, listProbes, probesPlaybook } from './probes/index.ts';
export type {
  AttemptInfo,
  Exchange,
  Probe,
  ProbeDescription,
  ProbeHooks,
  ProbeListing,
  ProbeNotes,
  ProbePrompt,
  ProbesConfig,
} from './probes/index.ts';
