import type { Attempt, CallIntent, CallSettlement, LeaseHolder, Run, RunEvent, Score, StepRecord, TranscriptEntry } from '../../core/index.ts';
import { UNKNOWN_USAGE } from '../../core/index.ts';
import type { ForkRecord, PlannedGoal, StoredAnswer } from '../contract.ts';

/** A time of day for rows that need one, in ms since the epoch, with the fraction that a real clock gives. */
export const T0 = 1_750_000_000_000.25;

export function sampleRun(id: string, patch: Partial<Run> = {}): Run {
  return {
    id,
    status: 'running',
    reason: null,
    name: null,
    suites: ['probes.encoding'],
    targets: ['openai:gpt-4.1-mini'],
    config: { probes: { encoding: { limit: 3 } } },
    seed: 42,
    engagement: null,
    simulated: false,
    planned: null,
    resumes: 0,
    createdAt: T0,
    startedAt: T0 + 1,
    endedAt: null,
    ...patch,
  };
}

export function sampleGoal(runId: string, index: number, patch: Partial<PlannedGoal> = {}): PlannedGoal {
  return {
    runId,
    index,
    key: `key-${index}`,
    suite: 'probes',
    plugin: 'probes.encoding.base64',
    target: 'openai:gpt-4.1-mini',
    text: 'say it in base64',
    item: index,
    variant: null,
    lane: null,
    repeat: 0,
    tags: ['encoding'],
    data: { prompt: 'aGVsbG8=', nested: [1, null, true] },
    ...patch,
  };
}

export function sampleAttempt(runId: string, goalIndex: number, key: string, patch: Partial<Attempt> = {}): Attempt {
  return {
    runId,
    goalIndex,
    key,
    seq: 0,
    status: 'finished',
    conversation: [{ role: 'user', content: 'hello \u{1F600} "quoted" \\ \n' }],
    outputs: [{ text: 'hi', finishReason: 'stop', blocked: false, callId: 'call' }],
    notes: { any: 'thing' },
    error: null,
    startedAt: T0 + 10,
    endedAt: T0 + 20,
    ...patch,
  };
}

export function erredAttempt(runId: string, goalIndex: number, key: string, at: number): Attempt {
  return sampleAttempt(runId, goalIndex, key, {
    status: 'error',
    outputs: [],
    error: { source: 'target', code: 'rate_limited', message: 'gave up' },
    startedAt: at,
    endedAt: at + 1,
  });
}

export function sampleIntent(id: string, patch: Partial<CallIntent> = {}): CallIntent {
  return {
    id,
    logicalId: `logical-${id}`,
    retry: 0,
    scope: {},
    target: 'openai:gpt-4.1-mini',
    deployment: 'openai/api.example/gpt-4.1-mini',
    protocol: 'openai-chat',
    modelAsked: 'gpt-4.1-mini',
    stream: false,
    simulated: false,
    queuedAt: T0,
    sentAt: T0 + 5,
    waitedMs: 5,
    reservedTokens: 300,
    ...patch,
  };
}

export function sampleSettlement(id: string, patch: Partial<CallSettlement> = {}): CallSettlement {
  return {
    id,
    status: 'ok',
    httpStatus: 200,
    modelAnswered: 'gpt-4.1-mini-2025-04-14',
    usage: { ...UNKNOWN_USAGE, inputFresh: 100, cacheRead: 20, outputText: 30, reasoning: 10, source: 'reported', raw: { prompt_tokens: 120 } },
    costUsd: 0.001,
    firstTokenMs: 12.5,
    totalMs: 100.5,
    finishReason: 'stop',
    requestId: 'req_1',
    error: null,
    ...patch,
  };
}

export function sampleStep(runId: string, goalIndex: number, key: string, patch: Partial<StepRecord> = {}): StepRecord {
  return { runId, goalIndex, key, name: 'Generation', value: { text: 'made' }, startedAt: T0, endedAt: T0 + 1, ...patch };
}

export function sampleEntry(runId: string, goalIndex: number, key: string, patch: Partial<TranscriptEntry> = {}): TranscriptEntry {
  return { runId, goalIndex, key, type: 'interaction', at: T0, data: { text: 'asked' }, ...patch };
}

export function sampleScore(runId: string, goalIndex: number, attemptKey: string, patch: Partial<Score> = {}): Score {
  return { runId, goalIndex, attemptKey, outputIndex: 0, grader: 'decode-match', value: 1, threshold: 0.5, reason: null, ...patch };
}

export function sampleEvent(runId: string, n: number, patch: Partial<Omit<RunEvent, 'seq'>> = {}): Omit<RunEvent, 'seq'> {
  return { runId, at: T0 + n, type: 'run.tick', data: { n }, ...patch };
}

export function sampleFork(runId: string | null, branch: string, id: string, patch: Partial<ForkRecord> = {}): ForkRecord {
  return { runId, goalIndex: null, trial: null, branch, id, ...patch };
}

export function sampleAnswer(runId: string, key: string, occurrence: number, patch: Partial<StoredAnswer> = {}): StoredAnswer {
  return {
    runId,
    key,
    occurrence,
    callId: `call-${key}-${occurrence}`,
    httpStatus: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: 'data: {"text":"hi \u{1F600} \\"}\n\ndata: [DONE]\n\n',
    at: T0,
    ...patch,
  };
}

export function sampleHolder(id: string): LeaseHolder {
  return { id, host: `host-of-${id}`, pid: 4242, pidStartedAt: 'some time' };
}
