import * as z from 'zod';
import { AssayError, type Goal, type Json } from '../../core/index.ts';
import type { ProbeModelParameters } from './config.ts';
import type { ProbeNotes, PromptMessage } from './contract.ts';

const schema = z.object({
  messages: z.array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })).min(1),
  notes: z.record(z.string(), z.json()),
  model: z.object({
    temperature: z.number().optional(),
    topP: z.number().optional(),
    maxOutputTokens: z.number().optional(),
    stop: z.array(z.string()).optional(),
    seed: z.number().optional(),
  }),
  generations: z.int().positive(),
  detectors: z.array(z.string()).min(1),
  deciding: z.int().positive(),
});

/** What is stored with a probe's goal: all that `execute` needs. */
export interface ProbeGoalData {
  readonly messages: readonly PromptMessage[];
  readonly notes: ProbeNotes;
  readonly model: Omit<ProbeModelParameters, 'system'>;
  readonly generations: number;
  readonly detectors: readonly string[];
  /** How many of the detectors, from the first, decide. */
  readonly deciding: number;
}

/** As stored: parameters that are not set are left out. */
export function writeGoalData(data: ProbeGoalData): Json {
  const { messages, notes, generations, detectors, deciding } = data;
  const model = Object.fromEntries(Object.entries(data.model).filter(([, value]) => value !== undefined));
  return { messages: messages.map(({ role, content }) => ({ role, content })), notes, model, generations, detectors, deciding };
}

/** @throws AssayError `internal` where the stored data is not a probe's */
export function readGoalData(goal: Goal): ProbeGoalData {
  const data = schema.safeParse(goal.data);
  if (data.success) return data.data;
  throw new AssayError({
    code: 'internal',
    message: `goal ${goal.index} of run ${goal.runId} does not hold what a probe stores: ${z.prettifyError(data.error)}`,
    hint: 'start a new run: this one was planned by another version of Assay',
  });
}
