import { describe, expect, it } from 'vitest';
import { sampleAnswer, sampleEvent, sampleFork, sampleIntent, sampleRun, sampleSettlement, T0 } from './samples.ts';
import type { MakeStore } from './store-under-test.ts';

/** What is forgotten, and what is not. */
export function purgeConformance(make: MakeStore): void {
  describe('purge', () => {
    it('forgets with a run all that belongs to it, forks and answers too, and leaves the rest', async () => {
      await using database = await make();
      const store = await database.open();
      for (const runId of ['gone', 'kept']) {
        await store.write(
          { op: 'run.insert', run: sampleRun(runId) },
          { op: 'call.open', intent: sampleIntent(`${runId}-1`, { scope: { runId } }) },
          { op: 'fork.add', fork: sampleFork(runId, 'a', `${runId}-2`) },
          { op: 'call.open', intent: sampleIntent(`${runId}-3`, { scope: { runId, branch: 'a' } }) },
          { op: 'answer.put', answer: sampleAnswer(runId, 'k', 0) },
        );
      }
      expect(await store.purge({ runIds: ['gone'] })).toEqual({ runs: 1, calls: 2 });
      expect(await store.answer({ runId: 'gone', key: 'k', occurrence: 0 })).toBeUndefined();
      expect([...(await store.answerCounts('gone'))]).toEqual([]);
      // With its fork gone, nothing would tell what came before it.
      await store.write({ op: 'call.open', intent: sampleIntent('gone-0', { scope: { runId: 'gone' } }) }, { op: 'call.open', intent: sampleIntent('gone-3', { scope: { runId: 'gone', branch: 'a' } }) });
      const before = async (runId: string): Promise<unknown> => (await store.sumBranches({ runId })).map(({ branch, preFork }) => [branch, preFork?.calls.total ?? null]);
      expect(await before('gone')).toEqual([[null, 0], ['a', null]]);
      expect(await before('kept')).toEqual([[null, 0], ['a', 1]]);
      expect(await store.answer({ runId: 'kept', key: 'k', occurrence: 0 })).toStrictEqual(sampleAnswer('kept', 'k', 0));
    });

    it('forgets ended calls of no run from before a time, with the forks of what is gone', async () => {
      await using database = await make();
      const store = await database.open();
      const trial = (name: string) => ({ scope: { trial: name } });
      const inBranch = (name: string) => ({ scope: { trial: name, branch: 'a' } });
      const add = async (name: string, sentAt: number, ended: boolean): Promise<void> => {
        await store.write({ op: 'call.open', intent: sampleIntent(`${name}-1`, { ...trial(name), sentAt }) }, { op: 'fork.add', fork: sampleFork(null, 'a', `${name}-2`, { trial: name }) });
        await store.write({ op: 'call.open', intent: sampleIntent(`${name}-3`, { ...inBranch(name), sentAt }) });
        if (ended) await store.write({ op: 'call.settle', settlement: sampleSettlement(`${name}-1`) }, { op: 'call.settle', settlement: sampleSettlement(`${name}-3`) });
      };
      await add('old', T0 - 1, true);
      await add('new', T0, true);
      await add('under-way', T0 - 1, false);
      await store.write({ op: 'call.open', intent: sampleIntent('of-a-run', { scope: { runId: 'r1' }, sentAt: T0 - 1 }) }, { op: 'call.settle', settlement: sampleSettlement('of-a-run') });
      expect(await store.purge({ runIds: [], unattributedBefore: T0 })).toEqual({ runs: 0, calls: 2 });
      expect((await store.calls({})).map((call) => call.intent.id)).toEqual(['new-1', 'new-3', 'of-a-run', 'under-way-1', 'under-way-3']);
      await store.write({ op: 'call.open', intent: sampleIntent('old-1', trial('old')) }, { op: 'call.open', intent: sampleIntent('old-3', inBranch('old')) });
      const before = (await store.sumBranches({ runId: null })).filter(({ branch }) => branch === 'a').map((one) => [one.trial, one.preFork?.calls.total ?? null]);
      expect(before).toEqual([['new', 1], ['old', null], ['under-way', 1]]);
    });

    it('never gives an event number twice, not even after a purge', async () => {
      await using database = await make();
      const store = await database.open();
      await store.write({ op: 'event.add', event: sampleEvent('gone', 1) }, { op: 'event.add', event: sampleEvent('gone', 2) });
      const before = await store.events({ after: 0, limit: 10 });
      await store.purge({ runIds: ['gone'] });
      await store.write({ op: 'event.add', event: sampleEvent('next', 3) });
      const [after] = await store.events({ after: 0, limit: 10 });
      expect(after!.seq).toBeGreaterThan(before[1]!.seq);
    });
  });
}
