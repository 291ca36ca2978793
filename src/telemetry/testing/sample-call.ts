import { UNKNOWN_USAGE, type CallIntent, type CallSettlement } from '../../core/index.ts';

/** When sample calls leave, in ms since the epoch. */
export const SENT_AT = 1_750_000_000_500;

export function sampleIntent(change: Partial<CallIntent> = {}): CallIntent {
  return {
    id: 'call-1',
    logicalId: 'logical-1',
    retry: 0,
    scope: { runId: 'run-1', goalIndex: 3, attemptKey: 'a0', role: 'target' },
    target: 'openai:gpt-4.1-mini',
    deployment: 'openai/api.openai.com/gpt-4.1-mini',
    protocol: 'openai-chat',
    modelAsked: 'gpt-4.1-mini',
    stream: false,
    simulated: false,
    queuedAt: SENT_AT - 250,
    sentAt: SENT_AT,
    waitedMs: 250,
    reservedTokens: 300,
    ...change,
  };
}

export function sampleSettlement(change: Partial<CallSettlement> = {}): CallSettlement {
  return {
    id: 'call-1',
    status: 'ok',
    httpStatus: 200,
    modelAnswered: 'gpt-4.1-mini-2025-04-14',
    usage: { ...UNKNOWN_USAGE, inputFresh: 60, cacheRead: 30, cacheWrite: 10, outputText: 15, reasoning: 5, source: 'reported' },
    costUsd: 0.0021,
    firstTokenMs: null,
    totalMs: 1_200,
    finishReason: 'stop',
    requestId: 'req_abc',
    error: null,
    ...change,
  };
}
