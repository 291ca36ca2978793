import * as z from 'zod';
import { AssayError, NO_THRESHOLD, type Attempt, type AttemptNotes, type Goal, type Outcome } from '../../core/index.ts';
import type { GoalContext } from '../../engine/index.ts';
import type { LlmUsage } from '../../tracking/index.ts';
import type { TrialGoalData } from './goal-data.ts';
import type { TrialVerdict } from './trial-result.ts';

/** The one attempt of a trial's goal. */
export const TRIAL_ATTEMPT = 'trial';

const schema = z.object({
  scores: z.array(z.object({ name: z.string(), value: z.number().nullable(), threshold: z.number().nullable(), reason: z.string().nullable() })),
  passed: z.boolean().nullable(),
  reason: z.string().nullable(),
});

/** What is kept with a finished trial. */
export function trialNotes(goal: Pick<Goal, 'variant' | 'repeat'>, data: TrialGoalData, verdict: TrialVerdict, usage: LlmUsage): AttemptNotes {
  const { scores, passed, reason, notes } = verdict;
  return { trial: data.trial, variant: goal.variant, index: goal.repeat, seed: data.seed, scores, passed, reason, notes, llm_usage: usage };
}

/** The outcome that a finished trial stands for, its scores put on record. The same attempt always gives the same. */
export async function concludeTrial(attempt: Attempt, ctx: Pick<GoalContext, 'score'>): Promise<Outcome> {
  const read = schema.safeParse(attempt.notes);
  if (!read.success) throw new AssayError({ code: 'internal', message: `the attempt ${attempt.key} of goal ${attempt.goalIndex} does not hold what a trial keeps: ${z.prettifyError(read.error)}` });
  const { scores, passed, reason } = read.data;
  if (scores.length > 0) {
    await ctx.score(...scores.map(({ name, value, threshold, reason: why }) => ({ attemptKey: attempt.key, outputIndex: 0, grader: name, value, threshold: threshold ?? NO_THRESHOLD, reason: why })));
  }
  const said = reason === null ? '' : `: ${reason}`;
  const [main] = scores;
  const scored = main?.name !== 'score' || main.value === null ? undefined : main.value;
  if (passed !== null) {
    const against = scored === undefined || main?.threshold === null ? '' : `score ${scored} against ${main?.threshold}`;
    const text = against === '' ? (reason ?? undefined) : `${against}${said}`;
    return { kind: passed ? 'passed' : 'failed', ...(text === undefined ? {} : { reason: text }) };
  }
  return { kind: 'undetermined', reason: `${scored === undefined ? 'the trial gave no score' : `score ${scored}, and no threshold says what passes`}${said}` };
}
