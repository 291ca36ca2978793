export type { ProbesConfig } from './config.ts';
export type { AttemptInfo, Exchange, Probe, ProbeDescription, ProbeHooks, ProbeNotes, ProbePrompt } from './contract.ts';
export { createProbesSuite } from './create-suite.ts';
export { listProbes, type ProbeListing } from './list.ts';
export { probesPlaybook } from './playbook.ts';
