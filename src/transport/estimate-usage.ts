import { UNKNOWN_USAGE, type CallStatus, type Usage } from '../core/index.ts';
import type { ResponseFacts } from '../protocols/index.ts';

/**
 * The usage to book for a try. What the provider reported stands. Only an answered call (2xx) without usage is estimated,
 * by counting the prompt and the answer; an error answer or a broken call without usage stays unknown.
 */
export function bookedUsage(
  status: CallStatus,
  httpStatus: number | null,
  facts: ResponseFacts | undefined,
  promptTokens: number,
  countTokens: (text: string) => number,
): Usage {
  if (facts === undefined) return UNKNOWN_USAGE;
  if (facts.usage.source === 'reported') return facts.usage;
  const answered = (status === 'ok' || status === 'blocked') && httpStatus !== null && httpStatus < 300;
  if (!answered) return UNKNOWN_USAGE;
  let outputText = 0;
  let reasoning: number | undefined;
  for (const answer of facts.answers) {
    outputText += countTokens(answer.text);
    for (const call of answer.toolCalls) outputText += countTokens(call.name) + countTokens(call.argumentsText);
    if (answer.reasoning !== undefined) reasoning = (reasoning ?? 0) + countTokens(answer.reasoning);
  }
  return { inputFresh: promptTokens, cacheRead: undefined, cacheWrite: undefined, outputText, reasoning, source: 'estimated' };
}
