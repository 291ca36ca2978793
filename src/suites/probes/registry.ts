import type { Probe } from './contract.ts';
import { encodingProbes } from './encoding/index.ts';
import { promptinjectProbes } from './promptinject/index.ts';
import { snowballProbes } from './snowball/index.ts';
import { syspromptProbes } from './sysprompt/index.ts';

/** Every probe with prompts of its own, in the order in which they run and in which their playbook rules are tried. */
export const probes: readonly Probe[] = [
  ...encodingProbes,
  ...promptinjectProbes,
  ...syspromptProbes,
  ...snowballProbes,
];
