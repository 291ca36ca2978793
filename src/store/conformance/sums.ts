import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addTotals, CALL_STATUSES, REPLAYED, totals, ZERO_TOTALS } from '../../core/index.ts';
import type { CallRecord, Usage } from '../../core/index.ts';
import type { CallGrouping } from '../contract.ts';
import { sampleGoal, sampleIntent, sampleScore, sampleSettlement } from './samples.ts';
import type { MakeStore } from './store-under-test.ts';

const figure = fc.option(fc.nat(1_000), { nil: undefined });
const usage: fc.Arbitrary<Usage> = fc.record({
  inputFresh: figure,
  cacheRead: figure,
  cacheWrite: figure,
  outputText: figure,
  reasoning: figure,
  source: fc.constantFrom('reported' as const, 'estimated' as const, 'unknown' as const),
});
const name = (...names: string[]): fc.Arbitrary<string | undefined> => fc.option(fc.constantFrom(...names), { nil: undefined });
const call = fc.record({
  role: name('target', 'judge'),
  branch: name('root', 'root/left'),
  trial: name('t1', 't2'),
  phase: name('warm-up'),
  goalIndex: fc.option(fc.nat(3), { nil: undefined }),
  attemptKey: name('a', 'b'),
  modelAsked: fc.constantFrom('m1', 'm2', null),
  modelAnswered: fc.constantFrom('m1-2025', null),
  deployment: fc.constantFrom('d1', 'd2'),
  retry: fc.nat(2),
  simulated: fc.boolean(),
  waitedMs: fc.nat(50),
  status: fc.option(fc.constantFrom(...CALL_STATUSES, REPLAYED), { nil: undefined }),
  costUsd: fc.constantFrom(null, 0, 0.5, 0.25),
  usage,
});

/** Totals are sums of ledger rows, made in SQL by the rules of core. */
export function sumsConformance(make: MakeStore): void {
  describe('sums', () => {
    it('equal what core adds up from the rows, for every grouping', async () => {
      await using database = await make();
      const store = await database.open();
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(call, { maxLength: 25 }), async (calls) => {
          const runId = `r${round++}`;
          await store.write(...[0, 1, 2].map((index) => ({ op: 'goal.plan' as const, goal: sampleGoal(runId, index, { plugin: index === 2 ? 'p2' : 'p1', variant: index === 0 ? null : `v${index}` }) })));
          for (const [n, one] of calls.entries()) {
            const id = `${runId}-${String(n).padStart(3, '0')}`;
            const { role, branch, attemptKey, trial, phase } = one;
            const scope = { runId, ...(role && { role }), ...(branch && { branch }), ...(attemptKey && { attemptKey }), ...(trial && { trial }), ...(phase && { phase }) };
            const intent = sampleIntent(id, { ...one, scope: one.goalIndex === undefined ? scope : { ...scope, goalIndex: one.goalIndex } });
            await store.write({ op: 'call.open', intent });
            if (one.status !== undefined) await store.write({ op: 'call.settle', settlement: sampleSettlement(id, { ...one, status: one.status }) });
          }
          const rows = await store.calls({ runId });
          expect(rows).toHaveLength(calls.length);
          for (const by of GROUPINGS) expect(plain(await store.sumCalls({ runId }, by))).toEqual(plain(addedUp(rows, by)));
          const part = rows.filter(({ intent: { scope } }) => scope.goalIndex === 1 && scope.attemptKey === 'a');
          expect(plain(await store.sumCalls({ runId, goalIndex: 1, attemptKey: 'a' }, 'all'))).toEqual(plain(addedUp(part, 'all')));
          const ofTrial = rows.filter(({ intent: { scope } }) => scope.trial === 't1');
          expect(plain(await store.sumCalls({ runId, trial: 't1' }, 'role'))).toEqual(plain(addedUp(ofTrial, 'role')));
        }),
        { numRuns: 60 },
      );
    });

    it('leave calls of other runs out, and take those of no run when asked', async () => {
      await using database = await make();
      const store = await database.open();
      for (const [id, scope] of [['c1', { runId: 'r1' }], ['c2', { runId: 'r2' }], ['c3', {}]] as const) await store.write({ op: 'call.open', intent: sampleIntent(id, { scope }) });
      const total = async (filter: { runId?: string | null }): Promise<number | undefined> => (await store.sumCalls(filter, 'all')).get('all')?.calls.total;
      expect([await total({ runId: 'r1' }), await total({ runId: null }), await total({}), await total({ runId: 'none' })]).toEqual([1, 1, 3, undefined]);
    });

    it('count score rows per plugin, target and grader, abstentions apart', async () => {
      await using database = await make();
      const store = await database.open();
      await store.write({ op: 'goal.plan', goal: sampleGoal('r1', 0, { plugin: 'p' }) }, { op: 'goal.plan', goal: sampleGoal('r1', 1, { plugin: 'p' }) });
      await store.write({ op: 'goal.plan', goal: sampleGoal('r2', 0, { plugin: 'p' }) }, { op: 'score.put', score: sampleScore('r2', 0, 'a') });
      const values = [1, 0.5, 0.4, null];
      for (const [outputIndex, value] of values.entries()) await store.write({ op: 'score.put', score: sampleScore('r1', 0, 'a', { outputIndex, value }) });
      await store.write({ op: 'score.put', score: sampleScore('r1', 1, 'a', { value: 0.9 }) }, { op: 'score.put', score: sampleScore('r1', 1, 'a', { grader: 'other', value: 0 }) });
      const target = 'openai:gpt-4.1-mini';
      expect(await store.sumScores('r1')).toEqual([
        { plugin: 'p', target, grader: 'decode-match', total: 5, scored: 4, hits: 3 },
        { plugin: 'p', target, grader: 'other', total: 1, scored: 1, hits: 0 },
      ]);
      const worst = await store.worstScores('r1', { plugin: 'p', target, grader: 'decode-match', limit: 2 });
      expect(worst.map((score) => [score.goalIndex, score.value])).toEqual([
        [0, 1],
        [1, 0.9],
      ]);
      expect(await store.worstScores('r1', { plugin: 'p', target, grader: 'decode-match', limit: 9 })).toHaveLength(3);
    });
  });
}

const GROUPINGS: readonly CallGrouping[] = ['all', 'model', 'role', 'deployment', 'plugin', 'branch', 'status', 'goal', 'trial', 'phase', 'variant'];

/** Fates that leave open whether the provider worked and billed. */
const MAYBE_SERVED: readonly string[] = ['lost', 'timeout', 'aborted', 'cut', 'malformed'];

/** The same sums by core's own arithmetic, row by row. */
function addedUp(rows: readonly CallRecord[], by: CallGrouping): Map<string, unknown> {
  const groups = Map.groupBy(rows, (row) => groupOf(row, by));
  return new Map([...groups].map(([group, members]) => [group, sumOf(members)]));
}

export function sumOf(all: readonly CallRecord[]): unknown {
  const rows = all.filter((row) => row.settlement?.status !== REPLAYED);
  const ended = rows.flatMap((row) => (row.settlement === null ? [] : [row.settlement]));
  const known = ended.filter((settlement) => totals(settlement.usage) !== undefined);
  const sum = known.map((settlement) => totals(settlement.usage)!).reduce(addTotals, ZERO_TOTALS);
  const count = (status: string): number => rows.filter((row) => (row.settlement?.status ?? 'in_flight') === status).length;
  const add = (figures: readonly number[]): number => figures.reduce((a, b) => a + b, 0);
  return {
    calls: { ...Object.fromEntries([...CALL_STATUSES, 'in_flight'].map((status) => [status, count(status)])), total: rows.length, replayed: all.length - rows.length },
    ...sum,
    cache_read_tokens: add(known.map((settlement) => settlement.usage.cacheRead ?? 0)),
    cache_write_tokens: add(known.map((settlement) => settlement.usage.cacheWrite ?? 0)),
    estimated: known.filter((settlement) => settlement.usage.source === 'estimated').length,
    unknown_calls: ended.length - known.length,
    unknown_reserved_tokens: add(
      rows
        .filter(({ settlement }) => settlement === null || (MAYBE_SERVED.includes(settlement.status) && totals(settlement.usage) === undefined))
        .map((row) => row.intent.reservedTokens),
    ),
    cost_usd: add(ended.map((settlement) => settlement.costUsd ?? 0)),
    unpriced: known.filter((settlement) => settlement.costUsd === null).length,
    simulated: rows.filter((row) => row.intent.simulated).length,
    retries: rows.filter((row) => row.intent.retry > 0).length,
    waited_ms: add(rows.map((row) => row.intent.waitedMs)),
  };
}

function groupOf({ intent, settlement }: CallRecord, by: CallGrouping): string {
  const { scope } = intent;
  switch (by) {
    case 'all':
      return 'all';
    case 'model':
      return settlement?.modelAnswered ?? intent.modelAsked ?? 'unattributed';
    case 'role':
      return scope.role ?? 'unattributed';
    case 'deployment':
      return intent.deployment;
    case 'plugin':
      return scope.goalIndex === undefined || scope.goalIndex === 3 ? 'unattributed' : scope.goalIndex === 2 ? 'p2' : 'p1';
    case 'branch':
      return scope.branch ?? 'unattributed';
    case 'status':
      return settlement?.status ?? 'in_flight';
    case 'goal':
      return scope.goalIndex === undefined ? 'unattributed' : String(scope.goalIndex);
    case 'trial':
      return scope.trial ?? 'unattributed';
    case 'phase':
      return scope.phase ?? 'unattributed';
    case 'variant':
      return scope.goalIndex === 1 || scope.goalIndex === 2 ? `v${scope.goalIndex}` : 'unattributed';
    default:
      return by satisfies never;
  }
}

function plain(groups: Map<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(groups);
}
