import { newId, type CallStatus, type Outcome, type Run } from '../../core/index.ts';
import { openStore, type Store } from '../../store/index.ts';

export const RUN_ID = 'r1';
export const T0 = 1_000_000;

const RUN: Run = {
  id: RUN_ID,
  status: 'completed',
  reason: null,
  name: null,
  suites: ['experiments:./game.ts'],
  targets: ['sim:weak'],
  config: {},
  seed: 0,
  engagement: null,
  simulated: true,
  planned: null,
  resumes: 0,
  createdAt: T0,
  startedAt: T0,
  endedAt: null,
};

export interface PlantedCall {
  readonly tokens?: readonly [prompt: number, completion: number];
  readonly status?: CallStatus | 'replayed';
  readonly costUsd?: number | null;
  readonly role?: string;
  readonly branch?: string;
  /** Milliseconds after the trial's own start; before it where negative. */
  readonly at?: number;
  readonly waitedMs?: number;
}

export interface PlantedTrial {
  readonly variant: string | null;
  readonly repeat: number;
  readonly target?: string;
  /** `open` by default where there is no score. */
  readonly outcome?: Outcome | null;
  readonly scores?: Readonly<Record<string, number | null>>;
  readonly notes?: Readonly<Record<string, number | string>>;
  readonly calls?: readonly PlantedCall[];
}

/** A store in memory with a run of one experiment, as an engine would have written it. */
export async function plantTrials(trials: readonly PlantedTrial[], run: Partial<Run> = {}): Promise<Store> {
  const store = await openStore('sqlite::memory:');
  await store.write({ op: 'run.insert', run: { ...RUN, ...run } });
  for (const [index, trial] of trials.entries()) await plantTrial(store, index, trial);
  return store;
}

async function plantTrial(store: Store, index: number, trial: PlantedTrial): Promise<void> {
  const { variant, repeat, target = 'sim:weak', scores = {}, notes = {}, calls = [] } = trial;
  const outcome = trial.outcome === undefined ? outcomeOf(scores['score']) : trial.outcome;
  const at = T0 + index * 10_000;
  const place = { runId: RUN_ID, goalIndex: index };
  await store.write({
    op: 'goal.plan',
    goal: { runId: RUN_ID, index, key: `key-${index}`, suite: 'experiments', plugin: 'experiments.game', target, text: `game#${repeat}`, item: 0, variant, repeat, tags: [], lane: null, data: { trial: `game#${repeat}`, seed: 1, hiddenRoles: ['memory'] } },
  });
  if (outcome === null) return;
  await store.write({ op: 'goal.start', runId: RUN_ID, index, at: at - 5_000 });
  const forked = new Set<string>();
  for (const call of calls) {
    const id = newId();
    const { branch, status = 'ok', tokens } = call;
    if (branch !== undefined && !forked.has(branch)) {
      forked.add(branch);
      await store.write({ op: 'fork.add', fork: { ...place, trial: `game#${repeat}`, branch, id: newId() } });
    }
    const opened = branch === undefined ? id : newId();
    const when = at + (call.at ?? 10);
    await store.write(
      {
        op: 'call.open',
        intent: {
          id: opened,
          logicalId: id,
          retry: 0,
          scope: { ...place, attemptKey: 'trial', trial: `game#${repeat}`, role: call.role ?? 'target', ...(branch === undefined ? {} : { branch }) },
          target,
          deployment: 'sim/local/weak',
          protocol: 'openai-chat',
          modelAsked: 'weak',
          stream: false,
          simulated: true,
          queuedAt: when,
          sentAt: when,
          waitedMs: call.waitedMs ?? 0,
          reservedTokens: 10,
        },
      },
      {
        op: 'call.settle',
        settlement: {
          id: opened,
          status,
          httpStatus: status === 'ok' ? 200 : null,
          modelAnswered: 'weak',
          usage: { inputFresh: tokens?.[0], cacheRead: undefined, cacheWrite: undefined, outputText: tokens?.[1], reasoning: undefined, source: tokens === undefined ? 'unknown' : 'reported' },
          costUsd: call.costUsd ?? null,
          firstTokenMs: null,
          totalMs: 5,
          finishReason: null,
          requestId: null,
          error: null,
        },
      },
    );
  }
  const failed = outcome.kind === 'error';
  await store.write(
    {
      op: 'attempt.finish',
      attempt: { ...place, key: 'trial', seq: 0, status: failed ? 'error' : 'finished', conversation: [], outputs: [], notes: { notes }, error: failed ? { source: outcome.source, code: outcome.code, message: outcome.reason } : null, startedAt: at, endedAt: at + 500 },
    },
    ...Object.entries(scores).map(([grader, value]) => ({ op: 'score.put' as const, score: { ...place, attemptKey: 'trial', outputIndex: 0, grader, value, threshold: 0.5, reason: null } })),
    { op: 'goal.finalize', runId: RUN_ID, index, outcome, at: at + 600 },
  );
}

function outcomeOf(score: number | null | undefined): Outcome {
  if (score === undefined || score === null) return { kind: 'undetermined', reason: 'the trial gave no score' };
  return { kind: score >= 0.5 ? 'passed' : 'failed' };
}
