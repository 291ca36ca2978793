import { describe, expect, it } from 'vitest';
import type { Goal, Outcome } from '../core/index.ts';
import type { GoalContext } from './contract.ts';
import { ask, askOnce, Bench, suiteOf, WON } from './testing/bench.ts';

const failing: Outcome = { kind: 'error', source: 'target', code: 'timeout', reason: 'slow' };

/** Executes the run with each goal ended as told, by its index. */
async function endAs(bench: Bench, outcomes: readonly Outcome[]): Promise<void> {
  await bench.execute(suiteOf(outcomes.length, { execute: async (goal) => outcomes[goal.index]! }));
}

const MIXED: readonly Outcome[] = [
  WON,
  { kind: 'attack_failed', blocked: true },
  failing,
  { kind: 'interrupted', reason: 'killed' },
  { kind: 'cancelled', reason: 'by hand' },
  { kind: 'undetermined', reason: 'abstained' },
  { kind: 'skipped', reason: 'dropped' },
];

describe('a resume', () => {
  it('does what is open, interrupted or cancelled, and nothing else', async () => {
    await using bench = await Bench.open();
    await endAs(bench, MIXED);
    const done: number[] = [];
    await bench.execute(suiteOf(MIXED.length, { execute: async (goal) => (done.push(goal.index), WON) }));
    expect(done.toSorted((a, b) => a - b)).toEqual([3, 4]);
    expect(await bench.outcomes()).toEqual(['attack_succeeded', 'attack_failed', 'error', 'attack_succeeded', 'attack_succeeded', 'undetermined', 'skipped']);
  });

  it('does errors too where that is asked for', async () => {
    await using bench = await Bench.open();
    await endAs(bench, MIXED);
    const done: number[] = [];
    await bench.execute(suiteOf(MIXED.length, { execute: async (goal) => (done.push(goal.index), failing) }), { retryErrors: true });
    // Each once, though it ended in error again.
    expect(done.toSorted((a, b) => a - b)).toEqual([2, 3, 4]);
  });

  it('of a completed run executes nothing', async () => {
    await using bench = await Bench.open();
    await bench.execute(suiteOf(20));
    const before = await bench.allGoals();
    const end = await bench.execute(
      suiteOf(20, {
        execute: () => Promise.reject(new Error('done again')),
        beforePlan: () => {
          throw new Error('planned again');
        },
      }),
    );
    expect(end).toEqual({ status: 'completed', reason: null });
    expect(await bench.allGoals()).toEqual(before);
    expect(bench.calls).toBe(20);
  });

  it('goes on inside a goal where it stood: finished attempts and steps are not done again', async () => {
    await using bench = await Bench.open();
    let die = true;
    let steps = 0;
    const execute = async (_goal: Goal, ctx: GoalContext): Promise<Outcome> => {
      await ctx.attempt('a', ({ signal }) => ask(ctx, signal));
      await ctx.step('s', async () => ++steps);
      if (die) return { kind: 'interrupted', reason: 'killed here' };
      await ctx.attempt('b', ({ signal }) => ask(ctx, signal));
      return WON;
    };
    await bench.execute(suiteOf(1, { execute }));
    die = false;
    await bench.execute(suiteOf(1, { execute }));
    expect([bench.calls, steps]).toEqual([2, 1]);
    expect((await bench.store.attempts(bench.runId, 0)).map(({ key, seq }) => [key, seq])).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
  });

  it('writes scores and transcript entries again without doubling them', async () => {
    await using bench = await Bench.open();
    let kind: 'interrupted' | 'attack_succeeded' = 'interrupted';
    const execute = async (goal: Goal, ctx: GoalContext): Promise<Outcome> => {
      await askOnce(goal, ctx);
      await ctx.trace({ key: 'entry', type: 'evaluation', data: { n: 1 } });
      return kind === 'interrupted' ? { kind, reason: 'killed' } : { kind };
    };
    await bench.execute(suiteOf(1, { execute }));
    kind = 'attack_succeeded';
    await bench.execute(suiteOf(1, { execute }));
    expect(await bench.store.scores(bench.runId, 0)).toHaveLength(1);
    expect(await bench.store.transcript(bench.runId, 0)).toHaveLength(1);
  });

  it('marks calls that a dead process left in flight as lost', async () => {
    await using bench = await Bench.open();
    await bench.execute(suiteOf(2));
    const [call] = await bench.store.calls({ runId: bench.runId });
    await bench.ledger.open({ ...call!.intent, id: `${call!.intent.id}-left` });
    await bench.execute(suiteOf(2));
    expect((await bench.store.sumCalls({ runId: bench.runId }, 'all')).get('all')?.calls).toMatchObject({ total: 3, ok: 2, lost: 1, in_flight: 0 });
  });
});
