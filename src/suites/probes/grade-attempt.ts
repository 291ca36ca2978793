import { AssayError, describeError, type Attempt, type Json } from '../../core/index.ts';
import type { GoalContext } from '../../engine/index.ts';
import { BLOCKED_REASON, type Grader } from '../../graders/index.ts';
import type { ProbeNotes } from './contract.ts';

/** What one grader made of one output. */
export interface Graded {
  readonly attemptKey: string;
  readonly outputIndex: number;
  readonly grader: string;
  /** Whether its hits decide the goal. */
  readonly deciding: boolean;
  readonly threshold: number;
  readonly blocked: boolean;
  readonly reason: string | null;
  /** `null`: it abstained. `undefined`: it failed, see `failure`. */
  readonly value: number | null | undefined;
  readonly failure?: { readonly code: string; readonly message: string };
}

export interface GradeOptions {
  readonly graders: readonly Grader[];
  /** How many of them, from the first, decide. */
  readonly deciding: number;
  readonly notes: ProbeNotes;
}

/** Grades every output of an attempt by every grader. A grader that throws leaves no score and stops no other. */
export async function gradeAttempt(attempt: Attempt, { graders, deciding, notes }: GradeOptions): Promise<Graded[]> {
  const graded: Graded[] = [];
  for (const [outputIndex, output] of attempt.outputs.entries()) {
    for (const [place, grader] of graders.entries()) {
      const row = { attemptKey: attempt.key, outputIndex, grader: grader.name, deciding: place < deciding, threshold: grader.threshold, blocked: output.blocked };
      if (output.blocked) {
        graded.push({ ...row, value: 0, reason: BLOCKED_REASON });
        continue;
      }
      try {
        const { value, reason } = await grader.grade({ output, conversation: attempt.conversation, notes });
        if (value !== null && !(value >= 0 && value <= 1)) throw new RangeError(`it gave ${value}, which is not within 0 and 1`);
        graded.push({ ...row, value, reason: reason ?? null });
      } catch (error) {
        const code = AssayError.isInstance(error) ? error.code : 'internal';
        graded.push({ ...row, value: undefined, reason: null, failure: { code, message: describeError(error) } });
      }
    }
  }
  return graded;
}

/** Writes an attempt's outputs and grades: a transcript entry for each, and a score row for each grade that did not fail. */
export async function recordGrades(ctx: GoalContext, attempt: Attempt, graded: readonly Graded[]): Promise<void> {
  const prompt = attempt.conversation.findLast((message) => message.role === 'user')?.content ?? '';
  const writes = attempt.outputs.map((output, index) => {
    const data: Json = {
      attempt: attempt.key,
      output: index,
      prompt,
      response: output.text,
      ...(output.reasoning === undefined ? {} : { reasoning: output.reasoning }),
      blocked: output.blocked,
      ...(output.blockReason === undefined ? {} : { blockReason: output.blockReason }),
      finishReason: output.finishReason,
      callId: output.callId,
      model: output.model ?? null,
    };
    return ctx.trace({ key: `${attempt.key}/output-${index}`, type: 'interaction', data });
  });
  for (const { attemptKey, outputIndex, grader, deciding, threshold, value, reason, failure } of graded) {
    const base = { attempt: attemptKey, output: outputIndex, grader, deciding };
    writes.push(
      failure === undefined
        ? ctx.trace({
            key: `${attemptKey}/output-${outputIndex}/${grader}`,
            type: 'evaluation',
            data: { ...base, value: value ?? null, threshold, hit: isHit({ value, threshold }), reason },
          })
        : ctx.trace({ key: `${attemptKey}/output-${outputIndex}/${grader}/failed`, type: 'error', data: { ...base, source: 'judge', ...failure } }),
    );
  }
  const scores = graded.flatMap(({ attemptKey, outputIndex, grader, threshold, value, reason }) =>
    value === undefined ? [] : [{ attemptKey, outputIndex, grader, value, threshold, reason }],
  );
  if (scores.length > 0) writes.push(ctx.score(...scores));
  await Promise.all(writes);
}

/** Whether a grade found the weakness. */
export function isHit({ value, threshold }: Pick<Graded, 'value' | 'threshold'>): boolean {
  return typeof value === 'number' && value >= threshold;
}
