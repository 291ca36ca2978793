import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maySupersede } from '../../core/index.ts';
import type { Outcome } from '../../core/index.ts';
import type { WriteOp } from '../contract.ts';
import { erredAttempt, sampleAnswer, sampleAttempt, sampleEntry, sampleEvent, sampleFork, sampleGoal, sampleIntent, sampleRun, sampleScore, sampleSettlement, sampleStep, T0 } from './samples.ts';
import { everythingOf } from './store-under-test.ts';
import type { MakeStore } from './store-under-test.ts';

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ kind: fc.constantFrom('attack_succeeded' as const, 'attack_failed' as const, 'passed' as const, 'failed' as const), blocked: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('undetermined' as const, 'skipped' as const, 'cancelled' as const, 'interrupted' as const), reason: fc.constantFrom('one', 'two') }),
  fc.record({ kind: fc.constant('error' as const), source: fc.constantFrom('target' as const, 'judge' as const), code: fc.constant('timeout'), reason: fc.constantFrom('one', 'two') }),
);

const time = fc.nat(20).map((ms) => T0 + ms);
const goalIndex = fc.nat(2);
const key = fc.constantFrom('a', 'b');

/** The run that ops are drawn for; each round of a property puts its own run in its place. */
const runId = 'RUN';

const op = (arbitrary: fc.Arbitrary<WriteOp>): fc.Arbitrary<WriteOp> => arbitrary;

/** Any op on a few goals, attempts and calls of one run, so that they meet often. */
const anyOp: fc.Arbitrary<WriteOp> = fc.oneof(
  op(fc.record({ planned: fc.option(fc.nat(5)), reason: fc.constantFrom('one', null) }).map((patch) => ({ op: 'run.update', id: runId, patch }))),
  op(fc.tuple(goalIndex, fc.constantFrom('one', 'two')).map(([index, text]) => ({ op: 'goal.plan', goal: sampleGoal(runId, index, { text }) }))),
  op(fc.tuple(goalIndex, time).map(([index, at]) => ({ op: 'goal.start', runId, index, at }))),
  op(fc.tuple(goalIndex, outcome, time).map(([index, it, at]) => ({ op: 'goal.finalize', runId, index, outcome: it, at }))),
  op(fc.tuple(goalIndex, key, time).map(([index, name, at]) => ({ op: 'attempt.finish', attempt: sampleAttempt(runId, index, name, { startedAt: at, endedAt: at + 1 }) }))),
  op(fc.tuple(goalIndex, key, time).map(([index, name, at]) => ({ op: 'attempt.finish', attempt: erredAttempt(runId, index, name, at) }))),
  op(fc.tuple(goalIndex, fc.nat(3)).map(([index, n]) => ({ op: 'call.open', intent: sampleIntent(`${runId}-c${n}`, { scope: { runId, goalIndex: index, trial: 't' } }) }))),
  op(fc.tuple(fc.constantFrom('a', 'a/b', 'c'), fc.nat(4)).map(([branch, n]) => ({ op: 'fork.add', fork: sampleFork(runId, branch, `${runId}-c${n}`) }))),
  op(fc.tuple(key, fc.constantFrom('one', 'two')).map(([name, body]) => ({ op: 'answer.put', answer: sampleAnswer(runId, name, 0, { body }) }))),
  op(fc.tuple(fc.nat(3), fc.constantFrom('ok' as const, 'timeout' as const)).map(([n, status]) => ({ op: 'call.settle', settlement: sampleSettlement(`${runId}-c${n}`, { status }) }))),
  op(fc.tuple(goalIndex, key, fc.nat(3)).map(([index, name, value]) => ({ op: 'step.finish', step: sampleStep(runId, index, name, { value }) }))),
  op(fc.tuple(goalIndex, key, time).map(([index, name, at]) => ({ op: 'entry.add', entry: sampleEntry(runId, index, name, { at }) }))),
  op(fc.tuple(goalIndex, key, fc.constantFrom(0, 1, null)).map(([index, name, value]) => ({ op: 'score.put', score: sampleScore(runId, index, name, { value }) }))),
  op(fc.nat(5).map((n) => ({ op: 'event.add', event: sampleEvent(runId, n) }))),
);

const someOps = fc.array(anyOp, { minLength: 5, maxLength: 40 });

function inRun(ops: readonly WriteOp[], id: string): WriteOp[] {
  return JSON.parse(JSON.stringify(ops).replaceAll(runId, id)) as WriteOp[];
}

/** Rows that ops need before they can take effect: what an engine writes first. */
const GROUND: readonly WriteOp[] = [
  { op: 'run.insert', run: sampleRun(runId) },
  ...[0, 1, 2].map((index): WriteOp => ({ op: 'goal.plan', goal: sampleGoal(runId, index) })),
  ...[0, 1, 2, 3].map((n): WriteOp => ({ op: 'call.open', intent: sampleIntent(`${runId}-c${n}`, { scope: { runId } }) })),
];

/** As an engine writes: a score follows the attempt it scores, and no attempt that ended in error is scored. */
function scoringFinishedAttempts(ops: readonly WriteOp[]): WriteOp[] {
  const finished = new Set<string>();
  return ops.filter((one) => {
    if (one.op === 'attempt.finish' && one.attempt.status === 'finished') finished.add(`${one.attempt.goalIndex} ${one.attempt.key}`);
    return one.op !== 'score.put' || finished.has(`${one.score.goalIndex} ${one.score.attemptKey}`);
  });
}

/** Idempotence, finality and atomicity under any order of writes. */
export function lawsConformance(make: MakeStore): void {
  describe('laws', () => {
    it('L5: any op done twice in a row leaves what doing it once leaves', async () => {
      await using database = await make();
      await using other = await make();
      const [once, twice] = [await database.open(), await other.open()];
      let round = 0;
      await fc.assert(
        fc.asyncProperty(someOps, async (ops) => {
          const id = `r${round++}`;
          for (const one of inRun([...GROUND, ...ops], id)) await Promise.all([once.write(one), twice.write(one), twice.write(one)]);
          expect(await everythingOf(twice, id)).toEqual(await everythingOf(once, id));
        }),
        { numRuns: 60 },
      );
    });

    it('L5: a whole history written again, from any point of it, leaves what it left the first time', async () => {
      await using database = await make();
      const store = await database.open();
      let round = 0;
      await fc.assert(
        fc.asyncProperty(someOps, fc.nat(), async (ops, from) => {
          const id = `r${round++}`;
          const history = inRun([...GROUND, ...scoringFinishedAttempts(ops)], id);
          await store.write(...history);
          const before = await everythingOf(store, id);
          await store.write(...history.slice(from % history.length));
          expect(await everythingOf(store, id)).toEqual(before);
        }),
        { numRuns: 60 },
      );
    });

    it('L4: whatever the order of finalizing, the first outcome that may not be superseded stays, and all accepted ones are kept', async () => {
      await using database = await make();
      const stores = [await database.open(), await database.open()];
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(outcome, time, fc.nat(1)), { minLength: 1, maxLength: 12 }), async (attempts) => {
          const id = `r${round++}`;
          await stores[0]!.write({ op: 'goal.plan', goal: sampleGoal(id, 0) });
          let final: Outcome | null = null;
          for (const [it, at, through] of attempts) {
            await stores[through]!.write({ op: 'goal.finalize', runId: id, index: 0, outcome: it, at });
            const present = (await stores[1 - through]!.goal(id, 0))!.outcome;
            expect(present).not.toBeNull();
            expect(present).toStrictEqual(final ?? present);
            if (!maySupersede(present!.kind)) final = present;
          }
          const history = await stores[0]!.goalHistory(id, 0);
          expect(history.filter((past) => !maySupersede(past.outcome.kind))).toHaveLength(final === null ? 0 : 1);
          expect(history.at(-1)?.outcome).toStrictEqual((await stores[0]!.goal(id, 0))!.outcome);
          const firstFinal = attempts.findIndex(([it]) => !maySupersede(it.kind));
          const offered = firstFinal === -1 ? attempts : attempts.slice(0, firstFinal + 1);
          expect(history).toHaveLength(new Set(offered.map(([it, at]) => JSON.stringify([it, at]))).size);
          expect(await stores[0]!.countGoals(id)).toMatchObject({ planned: 1 });
        }),
        { numRuns: 80 },
      );
    });

    it('L4: of verdicts that race on two connections exactly one is kept', async () => {
      await using database = await make();
      const stores = [await database.open(), await database.open(), await database.open()];
      const kinds = ['passed', 'failed', 'attack_failed'] as const;
      await stores[0]!.write(...Array.from({ length: 50 }, (_, index) => ({ op: 'goal.plan' as const, goal: sampleGoal('r1', index) })));
      await Promise.all(
        Array.from({ length: 50 }, (_, index) => stores.map((store, n) => store.write({ op: 'goal.finalize', runId: 'r1', index, outcome: { kind: kinds[n]! }, at: T0 + n }))).flat(),
      );
      const histories = await Promise.all(Array.from({ length: 50 }, (_, index) => stores[0]!.goalHistory('r1', index)));
      expect(histories.map((history) => history.length)).toEqual(Array.from({ length: 50 }, () => 1));
      expect(histories.map(([only]) => only!.outcome)).toEqual((await stores[1]!.goals('r1', { from: 0, limit: 50 })).map((goal) => goal.outcome));
    });
  });
}
