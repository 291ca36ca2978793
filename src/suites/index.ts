export { selectPlugins, type Selectable } from './select-plugins.ts';
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
