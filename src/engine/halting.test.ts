import { describe, expect, it } from 'vitest';
import { AssayError, type Goal, type Outcome } from '../core/index.ts';
import { Budget } from '../limiter/index.ts';
import { StoreError } from '../store/index.ts';
import type { GoalContext } from './contract.ts';
import { ask, askOnce, Bench, CALL_TOKENS, DEPLOYMENT, gate, storeWith, suiteOf, WON } from './testing/bench.ts';

const PER_CALL = CALL_TOKENS.prompt + CALL_TOKENS.output;

/** Counts outcomes by kind; goals without one are `open`. */
async function tally(bench: Bench): Promise<Record<string, number>> {
  return Object.fromEntries([...Map.groupBy(await bench.outcomes(), (kind) => kind ?? 'open')].map(([kind, members]) => [kind, members.length]));
}

const limited = (): Promise<Outcome> => Promise.reject(new AssayError({ code: 'rate_limited', message: 'too fast, given up at the deadline' }));

describe('stopping', () => {
  it('finishes what is in flight, starts nothing more, and can be resumed', async () => {
    const drain = new AbortController();
    const inFlight = gate();
    let started = 0;
    await using bench = await Bench.open({
      during: async () => {
        if (++started <= 4) await inFlight.opened;
      },
    });
    const running = bench.execute(suiteOf(50), { drain: drain.signal });
    await bench.until(() => started === 4);
    drain.abort();
    inFlight.open();
    expect(await running).toEqual({ status: 'cancelled', reason: 'cancelled by the user' });
    expect(await tally(bench)).toEqual({ attack_succeeded: 4, open: 46 });
    expect(await bench.run()).toMatchObject({ status: 'cancelled', planned: 50 });
    expect((await bench.execute(suiteOf(50))).status).toBe('completed');
    expect(bench.calls).toBe(50);
  });

  it('asked for before the start executes nothing', async () => {
    await using bench = await Bench.open();
    expect(await bench.execute(suiteOf(5), { drain: AbortSignal.abort() })).toMatchObject({ status: 'cancelled' });
    expect(bench.calls).toBe(0);
  });

  it('leaves goals that wait behind a lane for the resume', async () => {
    await using bench = await Bench.open();
    const drain = new AbortController();
    const suite = suiteOf(20, {
      planOf: (index) => ({ key: `${index}`, plugin: 'p', target: 't', text: '', item: index, repeat: 0, data: null, lane: 'one' }),
      execute: async (goal) => {
        if (goal.index === 3) drain.abort();
        return WON;
      },
    });
    await bench.execute(suite, { drain: drain.signal });
    expect(await tally(bench)).toEqual({ attack_succeeded: 4, open: 16 });
    await bench.execute(suite);
    expect(await tally(bench)).toEqual({ attack_succeeded: 20 });
  });
});

describe('aborting', () => {
  it('ends what is in flight as cancelled, which a resume does anew', async () => {
    const abort = new AbortController();
    await using bench = await Bench.open();
    let waiting = 0;
    const execute = async (goal: Goal, ctx: GoalContext): Promise<Outcome> => {
      if (goal.index < 2) return askOnce(goal, ctx);
      waiting++;
      await new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error), { once: true }));
      return WON;
    };
    const running = bench.execute(suiteOf(10, { execute }), { abort: abort.signal });
    await bench.until(() => waiting === 4);
    abort.abort();
    expect(await running).toEqual({ status: 'cancelled', reason: 'cancelled by the user' });
    expect(await tally(bench)).toEqual({ attack_succeeded: 2, cancelled: 4, open: 4 });
    expect(await bench.store.attempts(bench.runId, 3)).toEqual([]);
    await bench.execute(suiteOf(10));
    expect(await tally(bench)).toEqual({ attack_succeeded: 10 });
    expect((await bench.store.goalHistory(bench.runId, 3)).map(({ outcome }) => outcome.kind)).toEqual(['cancelled', 'attack_succeeded']);
  });

  it('makes no error of whatever a plugin makes of it', async () => {
    const abort = new AbortController();
    await using bench = await Bench.open();
    const execute = async (_goal: Goal, ctx: GoalContext): Promise<Outcome> => {
      abort.abort();
      if (ctx.signal.aborted) throw new TypeError('cannot read properties of undefined');
      return WON;
    };
    await bench.execute(suiteOf(1, { execute }), { abort: abort.signal });
    expect(await bench.outcomes()).toEqual(['cancelled']);
  });
});

describe('a budget', () => {
  it.each([
    ['calls', { calls: 7 }, 7],
    ['tokens', { tokens: 7 * PER_CALL + 3 }, 7],
  ] as const)('of %s stops the run before it is overrun, and a larger one completes it', async (name, limits, fits) => {
    await using bench = await Bench.open({ budgets: limits });
    const end = await bench.execute(suiteOf(30));
    expect(end).toMatchObject({ status: 'stopped', reason: expect.stringContaining(`${name} is spent`) as unknown });
    expect(bench.calls).toBe(fits);
    const outcomes = await tally(bench);
    expect(outcomes['attack_succeeded']).toBe(fits);
    expect(outcomes['error']).toBeUndefined();
    // What was in flight and got no more calls may be resumed.
    expect((await bench.allGoals()).filter((goal) => goal.outcome?.kind === 'interrupted').length).toBeGreaterThan(0);
    bench.budget = new Budget({ calls: 1_000 }, { calls: fits });
    expect((await bench.execute(suiteOf(30))).status).toBe('completed');
    expect(await tally(bench)).toEqual({ attack_succeeded: 30 });
    expect(bench.calls).toBe(30);
  });

  it('that ends a goal midway keeps its finished attempts for the resume', async () => {
    await using bench = await Bench.open({ budgets: { calls: 3 } });
    const execute = async (_goal: Goal, ctx: GoalContext): Promise<Outcome> => {
      for (const key of ['a', 'b', 'c', 'd', 'e']) await ctx.attempt(key, ({ signal }) => ask(ctx, signal));
      return WON;
    };
    await bench.execute(suiteOf(1, { execute }));
    expect(await bench.outcomes()).toEqual(['interrupted']);
    bench.budget = new Budget({});
    await bench.execute(suiteOf(1, { execute }));
    expect(await bench.outcomes()).toEqual(['attack_succeeded']);
    expect(bench.calls).toBe(5);
    expect((await bench.store.attempts(bench.runId, 0)).map(({ key, seq, status }) => [key, seq, status])).toEqual(['a', 'b', 'c', 'd', 'e'].map((key, seq) => [key, seq, 'finished']));
  });
});

describe('a quota', () => {
  const quota = { tokens: 20 * PER_CALL, period: 'day' as const, alerts: [80, 95], onExhausted: 'stop' as const };

  it('that is used up stops the run, says on the way how many attempts remain, and is stored as events', async () => {
    await using bench = await Bench.open({ limits: { quota } });
    const end = await bench.drive(bench.execute(suiteOf(30)));
    expect(end).toMatchObject({ status: 'stopped', reason: expect.stringContaining(`quota of ${quota.tokens} tokens a day on ${DEPLOYMENT} is used up`) as unknown });
    expect(bench.calls).toBe(20);
    expect(bench.announced).toHaveLength(2);
    const alerts = await bench.events('quota.alert');
    expect(alerts.map(({ data }) => data['threshold'])).toEqual([80, 95]);
    for (const [i, { data }] of alerts.entries()) {
      expect(data).toMatchObject({ deployment: DEPLOYMENT, remaining_attempts: expect.any(Number) as unknown });
      expect(bench.announced[i]).toContain(`quota at ${Number(data['percentage']).toFixed(1)} %`);
      expect(bench.announced[i]).toContain(`${String(data['remaining_attempts'])} attempts remaining`);
      // 30 goals less those that ended before the alert.
      expect(data['remaining_attempts']).toBeGreaterThanOrEqual(10);
    }
  });

  it('that waits goes on when its period turns', async () => {
    await using bench = await Bench.open({ limits: { quota: { ...quota, onExhausted: 'wait' } } });
    const startedAt = bench.clock.now();
    expect((await bench.drive(bench.execute(suiteOf(30)), 600_000)).status).toBe('completed');
    expect(bench.calls).toBe(30);
    const turned = Math.floor(startedAt / 86_400_000) * 86_400_000 + 86_400_000;
    expect(bench.clock.now()).toBeGreaterThanOrEqual(turned);
    const late = (await bench.store.calls({ runId: bench.runId })).filter(({ intent }) => intent.sentAt >= turned);
    expect(late).toHaveLength(10);
  });
});

describe('a rate limit that outlasts its deadline', () => {
  it('ends its goal as error, says so, and the run goes on', async () => {
    await using bench = await Bench.open();
    const execute = (goal: Goal, ctx: GoalContext): Promise<Outcome> => (goal.index === 2 ? ctx.attempt('a', limited as never).then(() => WON) : askOnce(goal, ctx));
    expect((await bench.execute(suiteOf(10, { execute }))).status).toBe('completed');
    expect(await tally(bench)).toEqual({ attack_succeeded: 9, error: 1 });
    expect((await bench.store.goal(bench.runId, 2))!.outcome).toMatchObject({ kind: 'error', code: 'rate_limited' });
    expect(await bench.store.attempts(bench.runId, 2)).toMatchObject([{ status: 'error', error: { code: 'rate_limited' } }]);
    expect(bench.announced).toEqual([expect.stringMatching(/^rate limited at goal 2: too fast.*; it ends as error, and the run goes on, /)]);
  });

  it('stops the run where that is asked for, and says so', async () => {
    await using bench = await Bench.open();
    const execute = (goal: Goal, ctx: GoalContext): Promise<Outcome> => (goal.index === 2 ? limited() : askOnce(goal, ctx));
    const end = await bench.execute(suiteOf(40, { execute }), { onRateLimit: 'stop', parallel: 1 });
    expect(end).toEqual({ status: 'stopped', reason: 'rate limited: too fast, given up at the deadline' });
    expect(await tally(bench)).toEqual({ attack_succeeded: 2, error: 1, open: 37 });
    expect(bench.announced[0]).toContain('stopping, 37 of 40 goals left');
    expect((await bench.execute(suiteOf(40), { retryErrors: true })).status).toBe('completed');
    expect(await tally(bench)).toEqual({ attack_succeeded: 40 });
  });
});

describe('a store that fails', () => {
  const full = new StoreError({ code: 'store_full', message: 'the disk is full' });

  it('and comes back leaves the run interrupted, with the reason', async () => {
    await using bench = await Bench.open();
    const { store } = bench;
    let failed = false;
    const flaky = storeWith(store, {
      write: (...ops) => {
        if (failed || !ops.some((op) => op.op === 'goal.finalize')) return store.write(...ops);
        failed = true;
        return Promise.reject(full);
      },
    });
    await expect(bench.execute(suiteOf(20), { store: flaky })).rejects.toBe(full);
    expect(await bench.run()).toMatchObject({ status: 'interrupted', reason: 'the disk is full' });
    expect(bench.progress.snapshot()).toMatchObject({ inFlight: 0 });
    expect((await bench.execute(suiteOf(20))).status).toBe('completed');
    expect(bench.calls).toBe(20);
  });

  it('to give its goals to the workers ends the run as well', async () => {
    await using bench = await Bench.open();
    const broken = storeWith(bench.store, { goals: () => Promise.reject(full) });
    await expect(bench.execute(suiteOf(20), { store: broken })).rejects.toBe(full);
    expect(await bench.run()).toMatchObject({ status: 'interrupted' });
  });
});
