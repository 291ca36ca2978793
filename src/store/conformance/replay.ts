import { describe, expect, it } from 'vitest';
import { sampleAnswer, sampleIntent, sampleSettlement } from './samples.ts';
import type { MakeStore } from './store-under-test.ts';

/** Answers that are kept, and rows of requests that were answered with them. */
export function replayConformance(make: MakeStore): void {
  describe('replay', () => {
    it('keeps the first answer to each request, and tells how many there are to each', async () => {
      await using database = await make();
      const store = await database.open();
      const put = (runId: string, key: string, occurrence: number, body: string): Promise<void> => store.write({ op: 'answer.put', answer: sampleAnswer(runId, key, occurrence, { body }) });
      await put('r1', 'k', 0, 'first');
      await put('r1', 'k', 0, 'second');
      await put('r1', 'k', 1, 'of the next time');
      await put('r1', 'other', 0, 'x');
      await put('r2', 'k', 0, "another run's");
      const body = async (runId: string, key: string, occurrence: number): Promise<string | undefined> => (await store.answer({ runId, key, occurrence }))?.body;
      expect([await body('r1', 'k', 0), await body('r1', 'k', 1), await body('r1', 'k', 2), await body('r2', 'k', 0)]).toEqual(['first', 'of the next time', undefined, "another run's"]);
      expect(Object.fromEntries(await store.answerCounts('r1'))).toEqual({ k: 2, other: 1 });
    });

    it('counts what was replayed neither as sent nor as used', async () => {
      await using database = await make();
      const store = await database.open();
      const usage = { ...sampleSettlement('').usage, inputFresh: 0, cacheRead: undefined, outputText: 0, reasoning: undefined };
      await store.write(
        { op: 'call.open', intent: sampleIntent('c1', { deployment: 'd', scope: { runId: 'r1' }, retry: 1, waitedMs: 9 }) },
        { op: 'call.settle', settlement: sampleSettlement('c1', { status: 'replayed', usage, costUsd: 0 }) },
      );
      expect((await store.calls({ runId: 'r1' }))[0]?.settlement?.status).toBe('replayed');
      expect([await store.callsSince('d', 0), await store.tokensSince('d', 0)]).toEqual([[], 0]);
      expect((await store.sumCalls({ runId: 'r1' }, 'all')).get('all')).toMatchObject({ calls: { total: 0, replayed: 1 }, retries: 0, waited_ms: 0, unknown_calls: 0, total_tokens: 0 });
    });
  });
}
