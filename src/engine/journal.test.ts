import { describe, expect, it } from 'vitest';
import { AssayError, type Attempt, type Goal, type Json } from '../core/index.ts';
import type { GoalContext } from './contract.ts';
import { openJournal } from './journal.ts';
import { ask, Bench, plan } from './testing/bench.ts';

const RESULT = { conversation: [{ role: 'user' as const, content: 'hi' }], outputs: [{ text: 'yes', finishReason: 'stop' as const, blocked: false, callId: 'c' }] };

async function goalOf(bench: Bench): Promise<Goal> {
  const { variant: _v, ...planned } = plan(0);
  await bench.store.write({ op: 'goal.plan', goal: { ...planned, runId: bench.runId, index: 0, suite: 'probes', variant: null, lane: null, tags: [] } }, { op: 'goal.start', runId: bench.runId, index: 0, at: 1 });
  return (await bench.store.goal(bench.runId, 0))!;
}

/** Opens the goal's journal as a process that starts or resumes it would. */
async function journal(bench: Bench, attempts: Attempt[] = [], signal = new AbortController().signal): Promise<GoalContext> {
  const goal = (await bench.store.goal(bench.runId, 0)) ?? (await goalOf(bench));
  return openJournal(goal, { store: bench.store, clock: bench.clock, limiter: bench.limiter, targetFor: () => bench.target, seed: 3, signal, onAttempt: (attempt) => attempts.push(attempt) });
}

const never = (): Promise<never> => Promise.reject(new Error('was made again'));

describe('attempts', () => {
  it('that are finished come from the store on resume, and nothing is done', async () => {
    await using bench = await Bench.open();
    const first = await (await journal(bench)).attempt('a', async () => RESULT);
    const again = await (await journal(bench)).attempt('a', never);
    expect(again).toEqual(first);
    expect(again).toMatchObject({ status: 'finished', seq: 0, outputs: [{ text: 'yes' }] });
  });

  it('that ended in error are recorded as such, thrown on, and made again', async () => {
    await using bench = await Bench.open();
    const told: Attempt[] = [];
    const failing = (await journal(bench, told)).attempt('a', () => Promise.reject(new AssayError({ code: 'timeout', message: 'too slow' })));
    await expect(failing).rejects.toMatchObject({ code: 'timeout' });
    expect(await bench.store.attempts(bench.runId, 0)).toMatchObject([{ status: 'error', seq: 0, error: { source: 'framework', code: 'timeout', message: 'too slow' } }]);
    await (await journal(bench, told)).attempt('a', async () => RESULT);
    expect(await bench.store.attempts(bench.runId, 0)).toMatchObject([{ status: 'finished', seq: 0, error: null }]);
    expect(told.map((attempt) => attempt.status)).toEqual(['error', 'finished']);
  });

  it('may be tried again under the same key in the same process once they failed', async () => {
    await using bench = await Bench.open();
    const ctx = await journal(bench);
    await expect(ctx.attempt('a', never)).rejects.toThrow('was made again');
    expect(await ctx.attempt('a', async () => RESULT)).toMatchObject({ status: 'finished', seq: 0 });
  });

  it('asked for twice under one key are made once, at the same time or later', async () => {
    await using bench = await Bench.open();
    const ctx = await journal(bench);
    let made = 0;
    const make = async (): Promise<typeof RESULT> => {
      made++;
      return RESULT;
    };
    const both = await Promise.all([ctx.attempt('a', make), ctx.attempt('a', make)]);
    const later = await ctx.attempt('a', make);
    expect(made).toBe(1);
    expect(both[1]).toEqual(both[0]);
    expect(later).toEqual(both[0]);
  });

  it('keep their place in the order they were asked for, whichever ends first and however often resumed', async () => {
    await using bench = await Bench.open();
    const ctx = await journal(bench);
    const slow = Promise.withResolvers<typeof RESULT>();
    const first = ctx.attempt('slow', () => slow.promise);
    await ctx.attempt('quick', async () => RESULT);
    slow.reject(new Error('broke'));
    await expect(first).rejects.toThrow('broke');
    const resumed = await journal(bench);
    await Promise.all([resumed.attempt('slow', async () => RESULT), resumed.attempt('quick', never), resumed.attempt('third', async () => RESULT)]);
    expect((await bench.store.attempts(bench.runId, 0)).map(({ key, seq }) => [key, seq])).toEqual([
      ['slow', 0],
      ['quick', 1],
      ['third', 2],
    ]);
  });

  it('are charged with their own calls alone, also side by side', async () => {
    await using bench = await Bench.open();
    const ctx = await journal(bench);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        ctx.attempt(`a${i}`, async ({ signal }) => {
          let result = await ask(ctx, signal);
          for (let more = 0; more < i % 3; more++) result = await ask(ctx, signal);
          return result;
        }),
      ),
    );
    expect((await bench.store.calls({ attemptKey: 'a5' })).map(({ intent }) => intent.scope)).toEqual(Array.from({ length: 3 }, () => ({ attemptKey: 'a5', role: 'target' })));
    const attempts = await bench.store.attempts(bench.runId, 0);
    expect(attempts.map((attempt) => attempt.notes.tokens?.total_tokens)).toEqual(Array.from({ length: 20 }, (_, i) => 15 * (1 + (i % 3))));
    expect(attempts[4]!.notes.rate_limiting).toEqual({
      tokens_this_attempt: 30,
      cumulative_tokens: expect.any(Number) as unknown,
      quota_percentage: null,
      deployment: 'fake/here/model',
      waited_ms: 0,
      timestamp: new Date(bench.clock.now()).toISOString(),
    });
    expect(Object.keys(attempts[4]!.notes.tokens!)).toEqual(['prompt_tokens', 'completion_tokens', 'reasoning_tokens', 'total_tokens', 'model', 'deployment']);
  });

  it('without a call carry no token notes: nothing used is not zero used', async () => {
    await using bench = await Bench.open();
    const attempt = await (await journal(bench)).attempt('a', async () => ({ ...RESULT, notes: { mine: 1 } }));
    expect(attempt.notes).toEqual({ mine: 1 });
  });

  it('cut short by an abort are not recorded, so that they are made again', async () => {
    await using bench = await Bench.open();
    const abort = new AbortController();
    const ctx = await journal(bench, [], abort.signal);
    const cut = ctx.attempt('a', async ({ signal }) => {
      abort.abort(new Error('stop'));
      signal.throwIfAborted();
      return RESULT;
    });
    await expect(cut).rejects.toThrow('stop');
    expect(await bench.store.attempts(bench.runId, 0)).toEqual([]);
  });
});

describe('steps', () => {
  it('that are finished give their stored value, and nothing is done', async () => {
    await using bench = await Bench.open();
    const value = { list: [1, 'two', null], deep: { yes: true } };
    expect(await (await journal(bench)).step('s', async () => value)).toEqual(value);
    expect(await (await journal(bench)).step('s', never)).toEqual(value);
  });

  it.each([null, 0, '', false])('may come to %j, which is a value like any other', async (value) => {
    await using bench = await Bench.open();
    await (await journal(bench)).step('s', async () => value);
    expect(await (await journal(bench)).step('s', never)).toBe(value);
  });

  it('that failed are not recorded and are made again', async () => {
    await using bench = await Bench.open();
    await expect((await journal(bench)).step('s', never)).rejects.toThrow('was made again');
    expect(await (await journal(bench)).step('s', async () => 7)).toBe(7);
  });

  it('asked for twice are made once', async () => {
    await using bench = await Bench.open();
    const ctx = await journal(bench);
    let made = 0;
    const both = await Promise.all([ctx.step('s', async () => ++made), ctx.step('s', async () => ++made)]);
    expect([...both, await ctx.step('s', async () => ++made)]).toEqual([1, 1, 1]);
  });

  it('that return nothing are their plugin\'s error, and no error of the store', async () => {
    await using bench = await Bench.open();
    const ctx = await journal(bench);
    await expect(ctx.step('s', async () => undefined as unknown as Json)).rejects.toMatchObject({ code: 'internal', message: 'step s is not JSON: it is undefined' });
    await expect(ctx.trace({ key: 'k', type: 'custom', data: undefined as unknown as Json })).rejects.toMatchObject({ code: 'internal' });
  });
});
