import type { ProbeDescription } from '../contract.ts';

/** Prompts of the user's own. Every detector it is given decides: each is a sign of success that the user named. */
export const customProbe: ProbeDescription = {
  id: 'probes.custom',
  version: 1,
  family: 'custom',
  goal: "try the user's own prompts",
  description: 'Takes prompts from --prompts FILE and grades them by --detector SPEC; without one, by the rows’ triggers or by whether the target refuses.',
  tags: [],
  references: [],
  detectors: ['refusal'],
  byNameOnly: true,
};
