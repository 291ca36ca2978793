import { UNKNOWN_USAGE, type CallStatus, type Usage } from '../core/index.ts';
import type { CountTokens, RequestFacts, ResponseFacts } from '../protocols/index.ts';

/**
 * The usage to book for a try without counting anything: what the provider reported stands; an error answer or a broken call without
 * usage stays unknown. `undefined` for an answered call (2xx) that did not say what it used: that one is estimated.
 */
export function knownUsage(status: CallStatus, httpStatus: number | null, facts: ResponseFacts | undefined): Usage | undefined {
  if (facts === undefined) return UNKNOWN_USAGE;
  if (facts.usage.source === 'reported') return facts.usage;
  const answered = (status === 'ok' || status === 'blocked') && httpStatus !== null && httpStatus < 300;
  return answered ? undefined : UNKNOWN_USAGE;
}

/** The usage of an answered call that did not say what it used, by counting the prompt and the answer. */
export function estimatedUsage(asked: RequestFacts, facts: ResponseFacts, countTokens: CountTokens): Usage {
  let outputText = 0;
  let reasoning: number | undefined;
  for (const answer of facts.answers) {
    outputText += countTokens(answer.text);
    for (const call of answer.toolCalls) outputText += countTokens(call.name) + countTokens(call.argumentsText);
    if (answer.reasoning !== undefined) reasoning = (reasoning ?? 0) + countTokens(answer.reasoning);
  }
  return { inputFresh: countTokens(asked.promptText) + asked.promptOverhead, cacheRead: undefined, cacheWrite: undefined, outputText, reasoning, source: 'estimated' };
}
