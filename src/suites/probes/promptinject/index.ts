import type { Probe } from '../contract.ts';
import { delimiter } from './delimiter.ts';
import { fakeCompletion } from './fake-completion.ts';
import { ignorePrevious } from './ignore-previous.ts';
import { newInstructions } from './new-instructions.ts';
import { translated } from './translated.ts';

export const promptinjectProbes: readonly Probe[] = [
  ignorePrevious,
  delimiter,
  newInstructions,
  fakeCompletion,
  translated,
];
