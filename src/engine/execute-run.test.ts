import { describe, expect, it } from 'vitest';
import { AssayError, CancelledError, type Goal, type Outcome } from '../core/index.ts';
import { askOnce, Bench, gate, plan, storeWith, suiteOf, WON } from './testing/bench.ts';

/** Not all that is thrown is an error. */
const TEXT: unknown = 'a text';

const at = (goal: Goal): number => (goal.data as { index: number }).index;

describe('a run', () => {
  it('gives every goal its one outcome and ends as completed', async () => {
    await using bench = await Bench.open();
    expect(await bench.execute(suiteOf(300))).toEqual({ status: 'completed', reason: null });
    expect(await bench.outcomes()).toEqual(Array(300).fill('attack_succeeded'));
    expect(await bench.run()).toMatchObject({ status: 'completed', reason: null, planned: 300, startedAt: bench.clock.now(), endedAt: bench.clock.now() });
    expect(bench.calls).toBe(300);
    expect((await bench.store.sumCalls({ runId: bench.runId }, 'all')).get('all')).toMatchObject({ calls: { total: 300, ok: 300 }, total_tokens: 4_500 });
    expect(bench.progress.snapshot()).toMatchObject({ planned: 300, finished: 300, verdicts: 300, errors: 0, inFlight: 0, attempts: 300 });
    expect(await bench.store.getLease(bench.runId)).toBeUndefined();
    expect(bench.clock.pending).toBe(0);
  });

  it('of nothing is completed', async () => {
    await using bench = await Bench.open();
    expect(await bench.execute(suiteOf(0))).toEqual({ status: 'completed', reason: null });
    expect(await bench.run()).toMatchObject({ planned: 0, status: 'completed' });
  });

  it('charges each call to its run, goal, attempt and role', async () => {
    await using bench = await Bench.open();
    await bench.execute(suiteOf(2));
    const scopes = (await bench.store.calls({ runId: bench.runId })).map(({ intent }) => intent.scope);
    expect(scopes.toSorted((a, b) => a.goalIndex! - b.goalIndex!)).toEqual([0, 1].map((goalIndex) => ({ runId: bench.runId, goalIndex, attemptKey: 'a', role: 'target' })));
  });

  it('of several suites gives each goal to the suite that planned it', async () => {
    await using bench = await Bench.open();
    const other: Outcome = { kind: 'failed', reason: 'from the other' };
    await bench.execute([suiteOf(2), suiteOf(2, { kind: 'evals', execute: async () => other })]);
    expect(await bench.outcomes()).toEqual(['attack_succeeded', 'attack_succeeded', 'failed', 'failed']);
  });

  it('in which every goal fails is failed, and says how the first one did', async () => {
    await using bench = await Bench.open();
    const end = await bench.execute(suiteOf(3, { execute: (goal) => Promise.reject(new Error(`no luck with ${at(goal)}`)) }));
    expect(end).toEqual({ status: 'failed', reason: 'every goal ended in error; the first: no luck with 0' });
    expect(await bench.run()).toMatchObject(end);
  });
});

describe('one failing goal', () => {
  it.each<[string, (goal: Goal) => Promise<Outcome>, Partial<Outcome> & { code?: string }]>([
    ['that rejects', () => Promise.reject(new Error('boom')), { kind: 'error', source: 'framework', code: 'internal', reason: 'boom' } as never],
    ['that throws at once', () => { throw new AssayError({ code: 'malformed', message: 'bad' }); }, { kind: 'error', code: 'malformed' } as never],
    ['that throws something that is no error', () => { throw TEXT; }, { kind: 'error', reason: 'a text' } as never],
    ['that returns no outcome', async () => undefined as unknown as Outcome, { kind: 'error', code: 'internal', reason: 'probes.test ended goal 1 with something that is no outcome' } as never],
    ['that returns an outcome nobody knows', async () => ({ kind: 'won' }) as unknown as Outcome, { kind: 'error', code: 'internal' } as never],
    ['that says it was cancelled when nobody cancelled it', () => Promise.reject(new CancelledError()), { kind: 'error', code: 'cancelled' } as never],
    ['whose own timer aborts it', () => Promise.reject(new DOMException('aborted', 'AbortError')), { kind: 'error' } as never],
  ])('%s is an error, and the others go on', async (_what, failing, expected) => {
    await using bench = await Bench.open();
    const end = await bench.execute(suiteOf(4, { execute: (goal, ctx) => (at(goal) === 1 ? failing(goal) : askOnce(goal, ctx)) }));
    expect(end.status).toBe('completed');
    expect(await bench.outcomes()).toEqual(['attack_succeeded', 'error', 'attack_succeeded', 'attack_succeeded']);
    expect((await bench.store.goal(bench.runId, 1))!.outcome).toMatchObject(expected);
    expect(bench.progress.snapshot()).toMatchObject({ finished: 4, verdicts: 3, errors: 1, inFlight: 0 });
  });

  it.each(['target', 'judge', 'memory'])("tells whose call it was that failed: the %s's", async (role) => {
    await using bench = await Bench.open();
    const broken = { ...bench.target, generate: () => Promise.reject(new AssayError({ code: 'timeout', message: 'slow' })) };
    await bench.execute(suiteOf(1, { execute: async (_goal, ctx) => (await ctx.target(role).generate({ messages: [] }), WON) }), { targetFor: () => broken });
    expect((await bench.store.goal(bench.runId, 0))!.outcome).toEqual({ kind: 'error', source: role === 'memory' ? 'framework' : role, code: 'timeout', reason: 'slow' });
  });

  it('that stores something unusable does not take the store from the others', async () => {
    await using bench = await Bench.open();
    const execute = async (goal: Goal, ctx: Parameters<typeof askOnce>[1]): Promise<Outcome> => {
      if (at(goal) === 0) await ctx.score({ attemptKey: 'a', outputIndex: undefined as unknown as number, grader: 'g', value: 1, threshold: 1, reason: null });
      if (at(goal) === 1) await ctx.trace({ key: 'k', type: 'custom', data: { big: 1n } as never });
      return askOnce(goal, ctx);
    };
    expect((await bench.execute(suiteOf(4, { execute }))).status).toBe('completed');
    expect(await bench.outcomes()).toEqual(['error', 'error', 'attack_succeeded', 'attack_succeeded']);
  });
});

describe('outcomes', () => {
  it('that are verdicts never change, whatever is recorded later', async () => {
    await using bench = await Bench.open();
    await bench.execute(suiteOf(1));
    await bench.store.write({ op: 'goal.finalize', runId: bench.runId, index: 0, outcome: { kind: 'attack_failed' }, at: 99 });
    expect(await bench.outcomes()).toEqual(['attack_succeeded']);
    expect(await bench.store.goalHistory(bench.runId, 0)).toHaveLength(1);
  });

  it.each<Outcome>([
    { kind: 'error', source: 'target', code: 'timeout', reason: 'slow' },
    { kind: 'cancelled', reason: 'by hand' },
    { kind: 'interrupted', reason: 'killed' },
  ])('$kind may be superseded by a resume, and stay in the history', async (before) => {
    await using bench = await Bench.open();
    await bench.execute(suiteOf(1, { execute: async () => before }));
    await bench.clock.advance(1_000);
    await bench.execute(suiteOf(1), { retryErrors: true });
    expect(await bench.outcomes()).toEqual(['attack_succeeded']);
    expect((await bench.store.goalHistory(bench.runId, 0)).map(({ outcome }) => outcome)).toEqual([before, WON]);
  });

  it('are recorded before progress counts them', async () => {
    await using bench = await Bench.open();
    const commit = gate();
    const asked = gate();
    const { store } = bench;
    const held = storeWith(store, {
      write: async (...ops) => {
        if (ops.some((op) => op.op === 'goal.finalize')) {
          asked.open();
          await commit.opened;
        }
        return store.write(...ops);
      },
    });
    const running = bench.execute(suiteOf(1), { store: held });
    await asked.opened;
    expect(bench.progress.snapshot()).toMatchObject({ finished: 0, verdicts: 0, inFlight: 1 });
    commit.open();
    await running;
    expect(bench.progress.snapshot()).toMatchObject({ finished: 1, verdicts: 1, inFlight: 0 });
  });
});

describe('events', () => {
  it('tell of the run, the plan and each outcome, in the order of their commits, and of no call', async () => {
    await using bench = await Bench.open();
    await bench.execute(suiteOf(20));
    const events = await bench.events();
    expect(events.map((event) => event.seq)).toEqual(events.map((event) => event.seq).toSorted((a, b) => a - b));
    const counts = Object.fromEntries([...Map.groupBy(events, (event) => event.type)].map(([type, members]) => [type, members.length]));
    expect(counts).toEqual({ 'run.status': 2, 'run.planned': 1, 'goal.outcome': 20 });
    expect(events[0]).toMatchObject({ type: 'run.status', data: { status: 'running' } });
    expect(events.at(-1)).toMatchObject({ type: 'run.status', data: { status: 'completed', reason: null } });
    expect((await bench.events('goal.outcome')).map((event) => event.data['index']).toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('tick once a second while something moves, and not while nothing does', async () => {
    await using bench = await Bench.open();
    const end = gate();
    const execute = async (goal: Goal, ctx: Parameters<typeof askOnce>[1]): Promise<Outcome> => {
      if (at(goal) === 1) await end.opened;
      return askOnce(goal, ctx);
    };
    const running = bench.execute(suiteOf(2, { execute }));
    await bench.until(() => bench.progress.snapshot().finished === 1);
    await bench.clock.advance(10_500);
    const ticks = await bench.events('tick');
    expect(ticks).toHaveLength(1);
    expect(ticks[0]!.data).toMatchObject({ planned: 2, finished: 1, inFlight: 1, attempts: 1 });
    end.open();
    await running;
    await bench.clock.advance(10_000);
    expect(await bench.events('tick')).toHaveLength(1);
  });
});

describe('goals in flight', () => {
  it('are never more than allowed', async () => {
    await using bench = await Bench.open();
    let now = 0;
    let most = 0;
    const execute = async (goal: Goal, ctx: Parameters<typeof askOnce>[1]): Promise<Outcome> => {
      most = Math.max(most, ++now);
      const outcome = await askOnce(goal, ctx);
      now--;
      return outcome;
    };
    await bench.execute(suiteOf(100, { execute }), { parallel: 7 });
    expect(most).toBe(7);
  });

  it('of one lane go one after another in planned order, beside those of others', async () => {
    await using bench = await Bench.open();
    const order: number[] = [];
    let inLane = 0;
    let most = 0;
    let beside = 0;
    const execute = async (goal: Goal, ctx: Parameters<typeof askOnce>[1]): Promise<Outcome> => {
      if (goal.lane !== null) {
        most = Math.max(most, ++inLane);
        order.push(at(goal));
      } else if (inLane > 0) beside++;
      const outcome = await askOnce(goal, ctx);
      if (goal.lane !== null) inLane--;
      return outcome;
    };
    await bench.execute(suiteOf(200, { execute, planOf: (index) => plan(index, index % 2 === 0 ? { lane: 'even' } : {}) }), { parallel: 8 });
    expect(most).toBe(1);
    expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i * 2));
    expect(beside).toBeGreaterThan(0);
    expect(await bench.outcomes()).toEqual(Array(200).fill('attack_succeeded'));
  });
});
