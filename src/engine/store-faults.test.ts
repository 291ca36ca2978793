import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isVerdict, type Goal, type Outcome } from '../core/index.ts';
import { openStore, StoreError, type Store } from '../store/index.ts';
import type { GoalContext } from './contract.ts';
import { ask, Bench, storeWith, suiteOf, WON } from './testing/bench.ts';

/** A store that fails at a write: before it or after it was committed, once or from then on. */
class FaultyStore {
  readonly store: Store;
  writes = 0;
  failed = 0;
  healthy = true;
  failAt = 0;
  kind: FaultKind = 'once';

  constructor(real: Store) {
    this.store = storeWith(real, {
      write: async (...ops) => {
        const number = this.writes++;
        const due = !this.healthy && (this.kind === 'from then on' ? number >= this.failAt : number === this.failAt);
        if (!due) return real.write(...ops);
        this.failed++;
        if (this.kind === 'after the commit') await real.write(...ops);
        throw new StoreError({ code: 'store_full', message: 'the disk is full' });
      },
    });
  }
}

const KINDS = ['once', 'from then on', 'after the commit'] as const;
type FaultKind = (typeof KINDS)[number];

const twoAttempts = async (_goal: Goal, ctx: GoalContext): Promise<Outcome> => {
  await ctx.attempt('a', ({ signal }) => ask(ctx, signal));
  await ctx.step('between', async () => 1);
  const attempt = await ctx.attempt('b', ({ signal }) => ask(ctx, signal));
  await ctx.score({ attemptKey: attempt.key, outputIndex: 0, grader: 'g', value: 1, threshold: 1, reason: null });
  return WON;
};

it('raises a store that fails at any write, records nothing by halves, and on resume finishes every goal exactly once', { timeout: 120_000 }, async () => {
  const sizes = fc.constantFrom(3, 25, 410);
  let faults = 0;
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(10_000), fc.constantFrom(...KINDS), fc.integer({ min: 1, max: 9 }), async (goals, place, kind, parallel) => {
      const faulty = new FaultyStore(await openStore('sqlite::memory:'));
      await using bench = await Bench.open({ store: faulty.store });
      const suite = suiteOf(goals, { execute: twoAttempts });
      // A goal takes a start, two attempts with a call each, a step, a score and its outcome: 9 writes.
      faulty.failAt = faulty.writes + (place % (goals * 9 + 6));
      faulty.kind = kind;
      faulty.healthy = false;
      const end = await bench.execute(suite, { parallel }).catch((error: unknown) => error);
      if (faulty.failed > 0) faults++;
      expect(end).toMatchObject(faulty.failed > 0 ? { code: 'store_full' } : { status: 'completed' });
      expect(bench.progress.snapshot().inFlight).toBe(0);

      const before = await bench.allGoals();
      let open = 0;
      for (const goal of before) {
        const attempts = await bench.store.attempts(bench.runId, goal.index);
        open += 2 - attempts.length;
        if (goal.outcome === null || !isVerdict(goal.outcome.kind)) continue;
        expect(attempts.map(({ key, status }) => [key, status])).toEqual([
          ['a', 'finished'],
          ['b', 'finished'],
        ]);
        expect(await bench.store.scores(bench.runId, goal.index)).toHaveLength(1);
      }
      open += 2 * (goals - before.length);
      expect(before.map((goal) => goal.index)).toEqual(before.map((_, i) => i));
      expect(await bench.events('goal.outcome')).toHaveLength(before.filter((goal) => goal.outcome !== null).length);

      faulty.healthy = true;
      bench.calls = 0;
      expect(await bench.execute(suite, { parallel })).toEqual({ status: 'completed', reason: null });
      // Only what was open was asked again.
      expect(bench.calls).toBe(open);
      expect(await bench.store.countGoals(bench.runId)).toMatchObject({ planned: goals, byOutcome: { attack_succeeded: goals } });
      expect(await bench.store.countAttempts(bench.runId)).toEqual({ finished: 2 * goals, errors: 0 });
      for (let index = 0; index < goals; index++) {
        const verdicts = (await bench.store.goalHistory(bench.runId, index)).filter(({ outcome }) => isVerdict(outcome.kind));
        expect(verdicts).toHaveLength(1);
      }
      const calls = (await bench.store.sumCalls({ runId: bench.runId }, 'all')).get('all')!.calls;
      expect(calls.in_flight).toBe(0);
      expect(calls.ok + calls.lost).toBe(calls.total);
      expect(calls.ok).toBeGreaterThanOrEqual(2 * goals - calls.lost);
    }),
    { numRuns: 60 },
  );
  expect(faults).toBeGreaterThan(40);
});
