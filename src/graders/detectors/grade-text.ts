import type { Output } from '../../core/index.ts';
import type { Grade, Grader } from '../contract.ts';

/** For tests: an output with this text. */
export function output(text: string): Output {
  return { text, finishReason: 'stop', blocked: false, callId: 'call-1' };
}

/** For tests: grades one text. */
export async function gradeText(grader: Grader, text: string, notes: Readonly<Record<string, unknown>> = {}): Promise<Grade> {
  return grader.grade({ output: output(text), conversation: [{ role: 'user', content: 'a question' }], notes });
}
