import { describe, expect, it } from 'vitest';
import { Tally, withScope } from '../ledger/index.ts';
import { startSimulator } from '../simulator/index.ts';
import { chatCall, openRig, QUICK_RETRY } from './testing/rig.ts';

describe('scopes and tallies', () => {
  it('agree with the store for each of 200 attempts at once, retries and failures among them', async () => {
    await using simulator = await startSimulator({ seed: 3, faults: { error500: 0.15, reset: 0.05, cut: 0.05, malformed: 0.05, missingUsage: 0.05, contentFilter: 0.05 } });
    await using rig = await openRig({ limits: { concurrency: 32 } });
    const runId = 'run-1';
    const tallies = await Promise.all(
      Array.from({ length: 200 }, async (_, goalIndex) => {
        const tally = new Tally();
        await withScope(
          { runId, goalIndex, attemptKey: `attempt-${goalIndex}`, role: 'target' },
          async () => {
            for (let turn = 0; turn <= goalIndex % 3; turn++) {
              const messages = [{ role: 'user', content: `Topic ${goalIndex}, part ${turn}` }];
              const call = chatCall(simulator.url, { simulated: true, retry: { ...QUICK_RETRY, tries: 3 }, ask: { model: 'weak', stream: goalIndex % 2 === 0, messages } });
              await withScope({ branch: `turn-${turn}` }, () => rig.transport.send(call)).catch(() => undefined);
            }
          },
          tally,
        );
        return tally;
      }),
    );
    for (const [goalIndex, tally] of tallies.entries()) {
      const sums = (await rig.store.sumCalls({ runId, attemptKey: `attempt-${goalIndex}` }, 'all')).get('all');
      expect({ ...tally.tokens, calls: tally.calls, failed: tally.failedCalls, unknown: tally.unknownCalls, estimated: tally.estimatedCalls, waited: tally.waitedMs }, `attempt ${goalIndex}`).toEqual({
        prompt_tokens: sums?.prompt_tokens,
        completion_tokens: sums?.completion_tokens,
        reasoning_tokens: sums?.reasoning_tokens,
        total_tokens: sums?.total_tokens,
        calls: sums?.calls.total,
        failed: (sums?.calls.total ?? 0) - (sums?.calls.ok ?? 0) - (sums?.calls.blocked ?? 0),
        unknown: sums?.unknown_calls,
        estimated: sums?.estimated,
        waited: sums?.waited_ms,
      });
    }
    const all = (await rig.store.sumCalls({ runId }, 'all')).get('all');
    expect(all?.calls).toMatchObject({ total: simulator.stats().requests.received, in_flight: 0 });
    expect(all?.retries).toBeGreaterThan(20);
    expect(all?.estimated).toBeGreaterThan(0);
    expect((await rig.store.sumCalls({ runId: null }, 'all')).size).toBe(0);
    expect([...(await rig.store.sumCalls({ runId }, 'branch')).keys()].toSorted()).toEqual(['turn-0', 'turn-1', 'turn-2']);
    const settled = (await rig.store.calls({ runId }, { limit: 10_000 })).filter((row) => row.settlement?.status === 'ok');
    const served = new Set(simulator.log(10_000).flatMap(({ outcome, call }) => (outcome === 'ok' ? [call] : [])));
    expect(settled.filter((row) => !served.has(row.intent.id))).toEqual([]);
  });
});
