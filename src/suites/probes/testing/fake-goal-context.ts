import type { Attempt, Goal, Json, Output, Score, TranscriptEntry } from '../../../core/index.ts';
import type { GoalContext, GoalPlan } from '../../../engine/index.ts';
import type { GenerateRequest, Target } from '../../../models/index.ts';

/** An answer of the fake target. */
export type Answer = string | Partial<Output> | Error;

export interface FakeJournal {
  readonly attempts: Map<string, Attempt>;
  readonly scores: Map<string, Omit<Score, 'runId' | 'goalIndex'>>;
  readonly entries: Map<string, Omit<TranscriptEntry, 'runId' | 'goalIndex' | 'at'>>;
  readonly requests: GenerateRequest[];
}

export function emptyJournal(): FakeJournal {
  return { attempts: new Map(), scores: new Map(), entries: new Map(), requests: [] };
}

/** A goal context over memory, with a journal that outlives it: a second context on the same journal is a resume. */
export function fakeGoalContext(answer: (request: GenerateRequest, generation: number) => Answer, journal = emptyJournal()): GoalContext {
  const target: Target = {
    spec: 'fake:model',
    provider: 'fake',
    model: 'model',
    deployment: 'fake/local/model',
    host: '127.0.0.1',
    simulated: true,
    generate: async (request) => {
      journal.requests.push(request);
      return Array.from({ length: request.generations ?? 1 }, (_, generation) => {
        const given = answer(request, generation);
        if (given instanceof Error) throw given;
        const output: Output = { text: '', finishReason: 'stop', blocked: false, callId: `call-${journal.requests.length}-${generation}` };
        return typeof given === 'string' ? { ...output, text: given } : { ...output, ...given };
      });
    },
  };
  return {
    seed: 0,
    signal: new AbortController().signal,
    target: () => target,
    attempt: async (key, fn) => {
      const known = journal.attempts.get(key);
      if (known) return known;
      const { conversation, outputs, notes = {} } = await fn({ signal: new AbortController().signal });
      const attempt: Attempt = { runId: 'run', goalIndex: 0, key, seq: journal.attempts.size, status: 'finished', conversation, outputs, notes, error: null, startedAt: 0, endedAt: 0 };
      // What is read back has been through JSON.
      const stored = JSON.parse(JSON.stringify(attempt)) as Attempt;
      journal.attempts.set(key, stored);
      return stored;
    },
    step: async (_key, fn) => fn(),
    score: async (...scores) => {
      for (const score of scores) journal.scores.set([score.attemptKey, score.outputIndex, score.grader].join(' '), score);
    },
    trace: async (entry) => {
      if (!journal.entries.has(entry.key)) journal.entries.set(entry.key, entry);
    },
  };
}

/** A planned goal as the engine hands it to `execute`. */
export function goalOf(plan: GoalPlan): Goal {
  return {
    runId: 'run',
    index: 0,
    key: plan.key,
    suite: 'probes',
    plugin: plan.plugin,
    target: plan.target,
    text: plan.text,
    item: plan.item,
    variant: plan.variant ?? null,
    repeat: plan.repeat,
    tags: plan.tags ?? [],
    lane: plan.lane ?? null,
    data: JSON.parse(JSON.stringify(plan.data)) as Json,
    outcome: null,
    startedAt: null,
    endedAt: null,
  };
}
