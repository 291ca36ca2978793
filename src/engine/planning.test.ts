import { describe, expect, it } from 'vitest';
import { Bench, gate, plan, storeWith, suiteOf } from './testing/bench.ts';

describe('planning', () => {
  it('that throws midway keeps what is recorded, fails the run and raises the error', async () => {
    await using bench = await Bench.open();
    const boom = new Error('the file went away');
    const running = bench.execute(
      suiteOf(1_000, {
        beforePlan: async (index) => {
          if (index === 450) {
            await bench.until(() => bench.progress.snapshot().finished >= 100);
            throw boom;
          }
        },
      }),
    );
    await expect(running).rejects.toBe(boom);
    expect(await bench.run()).toMatchObject({ status: 'failed', reason: 'planning failed: the file went away', planned: null });
    const { planned, byOutcome } = await bench.store.countGoals(bench.runId);
    expect(planned).toBe(400);
    expect(byOutcome['attack_succeeded']).toBeGreaterThanOrEqual(100);
    expect(byOutcome['error'] ?? 0).toBe(0);
    expect(await bench.store.getLease(bench.runId)).toBeUndefined();
    // The file is back: the rest is planned, nothing is done twice.
    expect(await bench.execute(suiteOf(1_000))).toEqual({ status: 'completed', reason: null });
    expect(await bench.store.countGoals(bench.runId)).toMatchObject({ planned: 1_000, byOutcome: { attack_succeeded: 1_000 } });
    expect(bench.calls).toBe(1_000);
  });

  it('cut off midway goes on without doubling, goals of it already done included', async () => {
    await using bench = await Bench.open();
    const drain = new AbortController();
    const suite = suiteOf(700, {
      beforePlan: async (index) => {
        if (index !== 500 || drain.signal.aborted) return;
        await bench.until(() => bench.progress.snapshot().finished >= 50);
        drain.abort();
      },
    });
    expect(await bench.execute(suite, { drain: drain.signal })).toEqual({ status: 'cancelled', reason: 'cancelled by the user' });
    expect((await bench.run()).planned).toBeNull();
    const before = await bench.store.countGoals(bench.runId);
    expect(before.planned).toBe(400);
    expect(await bench.execute(suite)).toEqual({ status: 'completed', reason: null });
    expect(await bench.store.countGoals(bench.runId)).toMatchObject({ planned: 700, byOutcome: { attack_succeeded: 700 } });
    expect((await bench.allGoals()).map((goal) => goal.key)).toEqual(Array.from({ length: 700 }, (_, i) => `key-${i}`));
    expect(bench.calls).toBe(700);
    expect(await bench.events('run.planned')).toHaveLength(1);
  });

  it('that says by throwing that it was cut short leaves the run cancelled, not failed', async () => {
    await using bench = await Bench.open();
    const drain = new AbortController();
    const suite = suiteOf(700, {
      beforePlan: (index, signal) => {
        if (index === 300) drain.abort();
        signal.throwIfAborted();
      },
    });
    expect(await bench.execute(suite, { drain: drain.signal })).toEqual({ status: 'cancelled', reason: 'cancelled by the user' });
    expect(await bench.run()).toMatchObject({ status: 'cancelled' });
  });

  it.each([
    ['a goal that changed', suiteOf(300, { planOf: (index) => plan(index, index === 120 ? { key: 'other' } : {}) }), 120],
    ['goals that are gone', suiteOf(150), 150],
  ])('again on resume refuses %s, naming the first', async (_what, changed, first) => {
    await using bench = await Bench.open();
    const drain = new AbortController();
    // Cut off once 200 goals are there, and none of them done.
    await bench.execute(suiteOf(300, { beforePlan: (index) => void (index === 250 && drain.abort()) }), { drain: drain.signal, parallel: 0 });
    expect((await bench.store.countGoals(bench.runId)).planned).toBe(200);
    await expect(bench.execute(changed)).rejects.toMatchObject({ code: 'input', message: expect.stringContaining(`first difference at goal ${first}`) as unknown });
    expect(await bench.run()).toMatchObject({ status: 'failed' });
    expect((await bench.allGoals()).map((goal) => goal.key)).toEqual(Array.from({ length: 200 }, (_, i) => `key-${i}`));
  });

  it('again on resume hands out no goal that may have changed', async () => {
    await using bench = await Bench.open();
    const drain = new AbortController();
    await bench.execute(suiteOf(500, { beforePlan: (index) => void (index === 450 && drain.abort()) }), { drain: drain.signal, parallel: 0 });
    const slow = suiteOf(500, {
      planOf: (index) => plan(index, index === 250 ? { key: 'other' } : {}),
      beforePlan: (index) => (index === 250 ? bench.until(() => bench.progress.snapshot().finished >= 200) : undefined),
    });
    await expect(bench.execute(slow)).rejects.toMatchObject({ code: 'input' });
    expect(await bench.outcomes()).toEqual([...Array<string>(200).fill('attack_succeeded'), ...Array<null>(200).fill(null)]);
  });

  it('goes on while goals are executed, and none of them is taken before it is committed', async () => {
    await using bench = await Bench.open();
    const rest = gate();
    const running = bench.execute(suiteOf(450, { beforePlan: (index) => (index === 400 ? rest.opened : undefined) }));
    await bench.until(() => bench.progress.snapshot().finished === 400);
    expect(bench.progress.snapshot().planned).toBeNull();
    rest.open();
    await running;
    expect(bench.progress.snapshot()).toMatchObject({ planned: 450, finished: 450 });
  });

  it('holds few goals in memory, however many there are', { timeout: 60_000 }, async () => {
    await using bench = await Bench.open();
    const { store } = bench;
    const count = 100_000;
    let handedOut = 0;
    let done = 0;
    let mostHeld = 0;
    let mostInWrite = 0;
    const counting = storeWith(store, {
      goals: async (...args) => {
        const page = await store.goals(...args);
        handedOut += page.length;
        mostHeld = Math.max(mostHeld, handedOut - done);
        return page;
      },
      write: (...ops) => {
        mostInWrite = Math.max(mostInWrite, ops.length);
        return store.write(...ops);
      },
    });
    const suite = suiteOf(count, { execute: async () => (done++, { kind: 'attack_failed' }) });
    expect((await bench.execute(suite, { store: counting, parallel: 64 })).status).toBe('completed');
    expect(done).toBe(count);
    expect(handedOut).toBe(count);
    expect(mostHeld).toBeLessThanOrEqual(256 + 64);
    expect(mostInWrite).toBeLessThanOrEqual(200);
  });

  it('lets no more than a bounded number wait behind a busy lane', { timeout: 60_000 }, async () => {
    await using bench = await Bench.open();
    const { store } = bench;
    let handedOut = 0;
    const first = gate();
    const counting = storeWith(store, {
      goals: async (...args) => {
        const page = await store.goals(...args);
        handedOut += page.length;
        return page;
      },
    });
    let planned = false;
    const suite = suiteOf(12_000, {
      planOf: (index) => plan(index, { lane: 'only' }),
      beforePlan: (index) => void (planned = index === 11_999),
      execute: async (goal) => {
        if (goal.index === 0) await first.opened;
        return { kind: 'attack_failed' };
      },
    });
    const running = bench.execute(suite, { store: counting });
    await bench.until(() => planned && handedOut >= 4_096);
    expect(handedOut).toBeLessThanOrEqual(4_096 + 256 + 4);
    first.open();
    expect((await running).status).toBe('completed');
    expect((await bench.store.countGoals(bench.runId)).byOutcome['attack_failed']).toBe(12_000);
  });
});
