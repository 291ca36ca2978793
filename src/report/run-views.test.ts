import { describe, expect, it } from 'vitest';
import type { Outcome, Run, RunStatus } from '../core/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { runResultView } from './run-views.ts';

const RUN: Run = {
  id: 'r1',
  status: 'running',
  reason: null,
  name: null,
  suites: ['probes'],
  targets: ['sim:weak'],
  config: {},
  seed: 0,
  engagement: null,
  simulated: true,
  planned: 3,
  resumes: 0,
  createdAt: 1_000,
  startedAt: 1_000,
  endedAt: null,
};

async function storeWith(run: Partial<Run>, outcomes: readonly (Outcome | null)[]): Promise<Store> {
  const store = await openStore('sqlite::memory:');
  await store.write({ op: 'run.insert', run: { ...RUN, ...run } });
  for (const [index, outcome] of outcomes.entries()) {
    await store.write({
      op: 'goal.plan',
      goal: { runId: RUN.id, index, key: `k${index}`, suite: 'audits', plugin: 'audits.x', target: 'sim:weak', text: 't', item: index, variant: null, repeat: 0, tags: [], lane: null, data: {} },
    });
    if (outcome === null) continue;
    const failed = outcome.kind === 'error';
    await store.write(
      {
        op: 'attempt.finish',
        attempt: { runId: RUN.id, goalIndex: index, key: 'a', seq: 0, status: failed ? 'error' : 'finished', conversation: [], outputs: [], notes: {}, error: null, startedAt: 1, endedAt: 2 },
      },
      { op: 'goal.finalize', runId: RUN.id, index, outcome, at: 3 },
    );
  }
  return store;
}

const WON: Outcome = { kind: 'attack_succeeded' };
const LOST: Outcome = { kind: 'attack_failed' };
const BROKEN: Outcome = { kind: 'error', source: 'target', code: 'timeout', reason: 'late' };

describe('how a run ended', () => {
  it('counts verdicts, and no error among them', async () => {
    const store = await storeWith({ status: 'completed' }, [WON, LOST, BROKEN]);
    expect(await runResultView(store, 'r1')).toEqual({
      run: 'r1',
      status: 'completed' satisfies RunStatus,
      simulated: true,
      goals: { planned: 3, verdicts: 2, undetermined: 0, skipped: 0, errors: 1 },
      attempts: { planned: 3, finished: 2, errors: 1 },
      results: [],
    });
    await store.close();
  });

  it.each([
    ['goals are open', { planned: 3 }, [WON, LOST, null]],
    ['planning goes on', { planned: null }, [WON, LOST]],
    ['a goal was interrupted', { planned: 3 }, [WON, LOST, { kind: 'interrupted', reason: 'killed' } as const]],
  ])('does not claim to know how many attempts there will be while %s', async (_what, run, outcomes) => {
    const store = await storeWith(run, outcomes);
    expect((await runResultView(store, 'r1')).attempts.planned).toBeNull();
    await store.close();
  });
});
