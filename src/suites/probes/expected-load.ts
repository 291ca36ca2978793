import type { Message } from '../../core/index.ts';
import type { GoalPlan } from '../../engine/index.ts';
import type { ProbeNotes } from './contract.ts';

/** Output tokens that an answer is taken to have where nothing bounds it. */
const UNBOUNDED_ANSWER = 1_024;
/** Tokens of framing around each message in chat formats. */
const PER_MESSAGE = 4;

export interface LoadParts {
  readonly messages: readonly Message[];
  readonly notes: ProbeNotes;
  readonly generations: number;
  readonly turns: number;
  readonly maxOutputTokens: number | undefined;
}

/**
 * What a goal takes at most: every turn played, every answer as long as it may be (1,024 tokens where no maximum is set). In a
 * conversation of several turns each turn carries all before it, answers included.
 */
export function expectedLoad(parts: LoadParts, countTokens: (text: string) => number): NonNullable<GoalPlan['expected']> {
  const answer = parts.maxOutputTokens ?? UNBOUNDED_ANSWER;
  const script = Array.isArray(parts.notes['follow_ups']) ? parts.notes['follow_ups'].filter((line) => typeof line === 'string') : [];
  let prompt = parts.messages.reduce((sum, message) => sum + countTokens(message.content) + PER_MESSAGE, 0);
  let promptTokens = 0;
  for (let turn = 0; turn < parts.turns; turn++) {
    promptTokens += prompt;
    prompt += answer + countTokens(script[turn] ?? '') + 2 * PER_MESSAGE;
  }
  return { calls: parts.generations * parts.turns, promptTokens: promptTokens * parts.generations, outputTokens: answer * parts.turns * parts.generations };
}
