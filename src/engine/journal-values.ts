import { AssayError, type Score } from '../core/index.ts';
import type { AttemptResult } from './contract.ts';

/*
 * What a plugin hands over is checked before it reaches the store: a mistake of one plugin is an error of its goal, while an error of
 * the store ends the run.
 */

/** @throws AssayError `internal` for a value that JSON has no word for */
export function requireJson(value: unknown, what: string): void {
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') wrong(what, `not JSON: it is ${typeof value}`);
}

/** @throws AssayError `internal` for a score that lacks a part or whose figures are none */
export function requireScore(score: Omit<Score, 'runId' | 'goalIndex'>): void {
  const { attemptKey, outputIndex, grader, value, threshold } = score;
  const what = `the score of ${grader} on attempt ${attemptKey}`;
  if (typeof attemptKey !== 'string' || typeof grader !== 'string') wrong(what, 'without a grader or an attempt');
  if (!Number.isInteger(outputIndex) || outputIndex < 0) wrong(what, `for output ${String(outputIndex)}, which is no place`);
  if (value !== null && !Number.isFinite(value)) wrong(what, `${String(value)}, which is no figure (null abstains)`);
  if (!Number.isFinite(threshold)) wrong(what, `with threshold ${String(threshold)}, which is no figure`);
}

/** @throws AssayError `internal` for what is no result of a try */
export function requireResult(result: AttemptResult, key: string): AttemptResult {
  const { conversation, outputs } = (result as Partial<AttemptResult> | undefined) ?? {};
  if (!Array.isArray(conversation) || !Array.isArray(outputs)) wrong(`attempt ${key}`, 'without conversation and outputs');
  return result;
}

function wrong(what: string, how: string): never {
  throw new AssayError({ code: 'internal', message: `${what} is ${how}` });
}
