import { describe, expect, it } from 'vitest';
import { CALL_STATUSES, UNKNOWN_USAGE, type CallIntent, type CallSettlement, type CallStatus, type Usage } from '../core/index.ts';
import { Tally } from './tally.ts';

const intent = (part: Partial<CallIntent> = {}): CallIntent => ({
  id: 'i',
  logicalId: 'l',
  retry: 0,
  scope: {},
  target: null,
  deployment: 'openai/h/m',
  protocol: 'openai-chat',
  modelAsked: 'm',
  stream: false,
  simulated: false,
  queuedAt: 0,
  sentAt: 0,
  waitedMs: 0,
  reservedTokens: 0,
  ...part,
});

const settlement = (part: Partial<CallSettlement> = {}): CallSettlement => ({
  id: 'i',
  status: 'ok',
  httpStatus: 200,
  modelAnswered: null,
  usage: UNKNOWN_USAGE,
  costUsd: null,
  firstTokenMs: null,
  totalMs: null,
  finishReason: null,
  requestId: null,
  error: null,
  ...part,
});

const usage = (part: Partial<Usage>): Usage => ({ ...UNKNOWN_USAGE, source: 'reported', ...part });

describe('Tally', () => {
  it('is empty, and has no reasoning rather than none of it, before the first call', () => {
    expect(new Tally()).toMatchObject({
      tokens: { prompt_tokens: 0, completion_tokens: 0, reasoning_tokens: null, total_tokens: 0 },
      calls: 0,
      failedCalls: 0,
      unknownCalls: 0,
      estimatedCalls: 0,
      waitedMs: 0,
      model: null,
      deployment: null,
    });
  });

  it('sums inclusive totals: cache inside the prompt, reasoning inside the completion', () => {
    const tally = new Tally();
    tally.add(intent(), settlement({ usage: usage({ inputFresh: 10, cacheRead: 4, cacheWrite: 1, outputText: 3, reasoning: 2 }) }));
    tally.add(intent(), settlement({ usage: usage({ inputFresh: 1, outputText: 1 }) }));
    expect(tally.tokens).toEqual({ prompt_tokens: 16, completion_tokens: 6, reasoning_tokens: 2, total_tokens: 22 });
  });

  it('leaves unknown usage out of its sums and counts the call', () => {
    const tally = new Tally();
    tally.add(intent(), settlement({ usage: usage({ inputFresh: 10, outputText: 3 }) }));
    tally.add(intent(), settlement({ status: 'rate_limited' }));
    tally.add(intent(), settlement({ usage: usage({}) }));
    expect(tally).toMatchObject({ calls: 3, unknownCalls: 2, tokens: { total_tokens: 13 } });
  });

  it('counts what was estimated apart, and in its sums', () => {
    const tally = new Tally();
    tally.add(intent(), settlement({ usage: usage({ inputFresh: 10, outputText: 3, source: 'estimated' }) }));
    expect(tally).toMatchObject({ estimatedCalls: 1, unknownCalls: 0, tokens: { total_tokens: 13 } });
  });

  it.each(CALL_STATUSES.map((status): [CallStatus, number] => [status, status === 'ok' || status === 'blocked' ? 0 : 1]))('a call that is %s is a failure %i times', (status, failures) => {
    const tally = new Tally();
    tally.add(intent(), settlement({ status }));
    expect(tally.failedCalls).toBe(failures);
  });

  it('knows the model that answered last, or was asked where none answered, and the deployment used last', () => {
    const tally = new Tally();
    tally.add(intent({ modelAsked: 'asked' }), settlement({ status: 'timeout' }));
    expect(tally.model).toBe('asked');
    tally.add(intent({ modelAsked: 'asked', deployment: 'there' }), settlement({ modelAnswered: 'answered' }));
    tally.add(intent({ modelAsked: 'asked', deployment: 'there' }), settlement({ status: 'timeout' }));
    expect(tally).toMatchObject({ model: 'answered', deployment: 'there' });
  });

  it('sums the waits for admission', () => {
    const tally = new Tally();
    for (const waitedMs of [20, 0, 5]) tally.add(intent({ waitedMs }), settlement());
    expect(tally.waitedMs).toBe(25);
  });

  it('counts what was answered from the store apart: it is no call', () => {
    const tally = new Tally();
    tally.add(intent({ waitedMs: 5 }), settlement({ status: 'replayed', modelAnswered: 'm' }));
    expect(tally).toMatchObject({ replayedCalls: 1, calls: 0, failedCalls: 0, unknownCalls: 0, waitedMs: 0, model: null });
  });
});
