import type { Grader } from '../contract.ts';
import { stringListNote } from '../notes.ts';
import { contains } from './contains.ts';
import type { DetectorDefinition } from './definition.ts';

/** Hits where the output contains one of the prompt's own triggers, whatever the case. Reads the note `triggers`. */
export function triggerList(name = 'trigger-list'): Grader {
  return {
    name,
    threshold: 1,
    grade: (input) => contains({ name, texts: stringListNote(input, name, 'triggers') }).grade(input),
  };
}

export const triggers: DetectorDefinition = {
  name: 'trigger-list',
  summary: "the output contains one of the prompt's triggers",
  usage: 'trigger-list',
  modifiers: [],
  argument: 'none',
  needs: ['triggers'],
  create: (spec) => triggerList(spec.text),
};
