import * as z from 'zod';
import { AssayError, type Goal, type Json } from '../../core/index.ts';

const schema = z.object({
  trial: z.string().min(1),
  seed: z.int(),
  hiddenRoles: z.array(z.string()),
});

/** What is stored with a trial's goal: all that `execute` and reports need beside the experiment itself. */
export interface TrialGoalData {
  /** `NAME/VARIANT#INDEX` */
  readonly trial: string;
  /** Given to the trial. */
  readonly seed: number;
  readonly hiddenRoles: readonly string[];
}

export function writeGoalData({ trial, seed, hiddenRoles }: TrialGoalData): Json {
  return { trial, seed, hiddenRoles };
}

/** @throws AssayError `internal` where the stored data is not a trial's */
export function readGoalData(goal: Goal): TrialGoalData {
  const data = schema.safeParse(goal.data);
  if (data.success) return data.data;
  throw new AssayError({
    code: 'internal',
    message: `goal ${goal.index} of run ${goal.runId} does not hold what a trial stores: ${z.prettifyError(data.error)}`,
    hint: 'start a new run: this one was planned by another version of Assay',
  });
}
