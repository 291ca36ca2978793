import { describe, expect, it } from 'vitest';
import type { Outcome, Run, RunStatus } from '../core/index.ts';
import { openStore, type CallSums, type Store } from '../store/index.ts';
import { callTotals, runResultView, usageView } from './run-views.ts';

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

describe('sums over calls', () => {
  const sums: CallSums = {
    calls: { total: 7, in_flight: 2, ok: 3, blocked: 1, http_error: 0, rate_limited: 1, timeout: 0, aborted: 0, cut: 0, malformed: 0, network_error: 0, lost: 0 },
    prompt_tokens: 10,
    completion_tokens: 5,
    reasoning_tokens: null,
    total_tokens: 15,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    estimated: 1,
    unknown_calls: 1,
    unknown_reserved_tokens: 300,
    cost_usd: 0,
    unpriced: 4,
    retries: 1,
    waited_ms: 20,
  };

  it('leave calls in flight out of the total', () => {
    expect(callTotals(sums)).toMatchObject({ calls: { total: 5 }, in_flight: 2 });
  });

  it('call a cost unknown, not nothing, where no call has a price', () => {
    expect(callTotals(sums).cost_usd).toBeNull();
    expect(callTotals({ ...sums, cost_usd: 0.5 })).toMatchObject({ cost_usd: 0.5, unpriced_calls: 4 });
    expect(callTotals({ ...sums, unpriced: 0, unknown_calls: 0 }).cost_usd).toBe(0);
    expect(callTotals({ ...sums, unpriced: 0, unknown_calls: 1 }).cost_usd).toBeNull();
  });

  it('have the documented keys and no other for a run that has ended with all prices known', () => {
    const ended = callTotals({ ...sums, unpriced: 0, calls: { ...sums.calls, in_flight: 0 } });
    expect(Object.keys(ended)).toEqual(['calls', 'tokens', 'cost_usd', 'waited_ms']);
    expect(Object.keys(ended.calls)).toEqual(['total', 'ok', 'blocked', 'http_error', 'rate_limited', 'timeout', 'aborted', 'cut', 'malformed', 'network_error', 'lost']);
    expect(Object.keys(ended.tokens)).toEqual(['prompt_tokens', 'completion_tokens', 'reasoning_tokens', 'total_tokens', 'estimated', 'unknown_calls']);
  });

  it('are zero, and their cost nothing, for a run without calls', async () => {
    const store = await storeWith({}, []);
    expect(await usageView(store, 'r1')).toMatchObject({ run: 'r1', calls: { total: 0, ok: 0, lost: 0 }, cost_usd: 0, by_probe: {} });
    await store.close();
  });
});
