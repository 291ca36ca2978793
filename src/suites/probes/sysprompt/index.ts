import type { Probe } from '../contract.ts';
import { authority } from './authority.ts';
import { direct } from './direct.ts';
import { followUp } from './follow-up.ts';
import { reformat } from './reformat.ts';
import { repeatAbove } from './repeat-above.ts';

export const syspromptProbes: readonly Probe[] = [
  followUp,
  reformat,
  authority,
  repeatAbove,
  direct,
];
