import type { CallSettlement, CallStatus, Outcome, Run } from '../../core/index.ts';
import type { Store } from '../../store/index.ts';

const T0 = Date.parse('2026-11-21T08:00:00Z');

export function aRun(overrides: Partial<Run> = {}): Run {
  return {
    id: '20261121-080000-aaaa',
    status: 'completed',
    reason: null,
    name: null,
    suites: ['probes.encoding'],
    targets: ['sim:weak'],
    config: { store: 'sqlite:x' },
    seed: 7,
    engagement: null,
    simulated: true,
    planned: 3,
    resumes: 0,
    createdAt: T0,
    startedAt: T0,
    endedAt: T0 + 60_000,
    ...overrides,
  };
}

interface Planted {
  readonly outcome: Outcome | null;
  readonly text?: string;
  readonly answer?: string;
  readonly plugin?: string;
}

/** Writes a run with goals, an attempt and a score each, as an engine would. */
export async function plantRun(store: Store, run: Run, goals: readonly Planted[]): Promise<void> {
  await store.write({ op: 'run.insert', run });
  for (const [index, { outcome, text = `goal ${index}`, answer = 'an answer', plugin = 'probes.encoding.base64' }] of goals.entries()) {
    const at = run.createdAt + index * 1_000;
    await store.write(
      {
        op: 'goal.plan',
        goal: { runId: run.id, index, key: `key-${index}`, suite: 'probes', plugin, target: 'sim:weak', text, item: index, variant: null, lane: null, repeat: 0, tags: [], data: {} },
      },
      { op: 'goal.start', runId: run.id, index, at },
      {
        op: 'attempt.finish',
        attempt: {
          runId: run.id,
          goalIndex: index,
          key: 'attempt-0',
          seq: 0,
          status: outcome?.kind === 'error' ? 'error' : 'finished',
          conversation: [{ role: 'user', content: `decode ${index}` }],
          outputs: [{ text: answer, finishReason: 'stop', blocked: false, callId: `call-${index}` }],
          notes: {},
          error: outcome?.kind === 'error' ? { source: outcome.source, code: outcome.code, message: outcome.reason } : null,
          startedAt: at,
          endedAt: at + 500,
        },
      },
      {
        op: 'score.put',
        score: { runId: run.id, goalIndex: index, attemptKey: 'attempt-0', outputIndex: 0, grader: 'decode-match', value: outcome?.kind === 'attack_succeeded' ? 1 : 0, threshold: 0.5, reason: null },
      },
    );
    if (outcome !== null) await store.write({ op: 'goal.finalize', runId: run.id, index, outcome, at: at + 600 });
  }
}

interface PlantedCall {
  readonly status: CallStatus | 'in_flight';
  readonly tokens?: readonly [prompt: number, completion: number];
  readonly costUsd?: number | null;
  readonly role?: string;
}

/** Writes ledger rows of a run's goal 0. */
export async function plantCalls(store: Store, runId: string, calls: readonly PlantedCall[]): Promise<void> {
  for (const [i, { status, tokens, costUsd = null, role = 'target' }] of calls.entries()) {
    const id = `${runId}-call-${String(i).padStart(4, '0')}`;
    await store.write({
      op: 'call.open',
      intent: {
        id,
        logicalId: id,
        retry: 0,
        scope: { runId, goalIndex: 0, attemptKey: 'attempt-0', role },
        target: 'sim:weak',
        deployment: 'sim/local/weak',
        protocol: 'openai-chat',
        modelAsked: 'weak',
        stream: false,
        simulated: true,
        queuedAt: T0,
        sentAt: T0 + 10,
        waitedMs: 10,
        reservedTokens: 100,
      },
    });
    if (status === 'in_flight') continue;
    const settlement: CallSettlement = {
      id,
      status,
      httpStatus: status === 'ok' ? 200 : null,
      modelAnswered: 'weak',
      usage: {
        inputFresh: tokens?.[0],
        cacheRead: undefined,
        cacheWrite: undefined,
        outputText: tokens?.[1],
        reasoning: undefined,
        source: tokens === undefined ? 'unknown' : 'reported',
      },
      costUsd,
      firstTokenMs: null,
      totalMs: 50,
      finishReason: null,
      requestId: null,
      error: null,
    };
    await store.write({ op: 'call.settle', settlement });
  }
}
