import fc from 'fast-check';
import { expect, it } from 'vitest';
import { newId, UNKNOWN_USAGE, type CallFate, type CallIntent, type Usage } from '../core/index.ts';
import { openStore } from '../store/index.ts';
import { Ledger } from './ledger.ts';
import { continueScope, currentScope, withScope } from './scope.ts';
import { llmUsage } from './stored-usage.ts';
import { UsageTally } from './usage-tally.ts';

const intent = (retry = 0, modelAsked: string | null = 'asked'): CallIntent => ({
  id: newId(),
  logicalId: newId(),
  retry,
  scope: currentScope(),
  target: null,
  deployment: 'd',
  protocol: 'openai-chat',
  modelAsked,
  stream: false,
  simulated: false,
  queuedAt: 1,
  sentAt: 1,
  waitedMs: 0,
  reservedTokens: 10,
});

const usage: fc.Arbitrary<Usage> = fc.oneof(
  fc.constant(UNKNOWN_USAGE),
  fc.record({
    inputFresh: fc.option(fc.nat(100), { nil: undefined }),
    cacheRead: fc.option(fc.nat(100), { nil: undefined }),
    cacheWrite: fc.constant(undefined),
    outputText: fc.option(fc.nat(100), { nil: undefined }),
    reasoning: fc.option(fc.nat(100), { nil: undefined }),
    source: fc.constant('reported' as const),
  }),
  fc.record({
    inputFresh: fc.nat(100),
    cacheRead: fc.constant(undefined),
    cacheWrite: fc.constant(undefined),
    outputText: fc.nat(100),
    reasoning: fc.constant(undefined),
    source: fc.constant('estimated' as const),
  }),
);

const call = fc.record({
  branch: fc.constantFrom(undefined, 'a', 'a/b', 'c'),
  role: fc.constantFrom(undefined, 'target', 'memory'),
  retry: fc.nat(1),
  model: fc.constantFrom('m1', 'm2', null),
  status: fc.constantFrom<CallFate>('ok', 'ok', 'blocked', 'http_error', 'timeout', 'lost', 'replayed'),
  usage,
});

it('is, from the rows alone, what was counted as the calls were made', async () => {
  const store = await openStore('sqlite::memory:');
  const ledger = new Ledger({ store });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(1), fc.array(call, { maxLength: 8 })), { maxLength: 6 }), async (trials) => {
      const runId = `r${round++}`;
      const tally = new UsageTally();
      const trial = async (name: string, calls: readonly (typeof call extends fc.Arbitrary<infer C> ? C : never)[]): Promise<void> => {
        for (const one of calls) {
          const part = { ...(one.branch === undefined ? {} : { branch: one.branch }), ...(one.role === undefined ? {} : { role: one.role }) };
          await continueScope({ scope: part, forks: [] }, async () => {
            const open = await ledger.open(intent(one.retry));
            await open.settle({
              status: one.status,
              httpStatus: null,
              modelAnswered: one.model,
              usage: one.status === 'replayed' ? UNKNOWN_USAGE : one.usage,
              costUsd: null,
              firstTokenMs: null,
              totalMs: 1,
              finishReason: null,
              requestId: null,
              error: name,
            });
          });
        }
      };
      await withScope({ runId }, () => Promise.all(trials.map(([goalIndex, calls], n) => withScope({ goalIndex, trial: `t${n}` }, () => trial(`t${n}`, calls)))), tally);
      await tally.settled();
      expect(await llmUsage(store, { runId })).toEqual(tally.toDict());
    }),
    { numRuns: 100 },
  );
  await store.close();
});

it('leaves calls that have not ended out of every figure but their own, and can be of one trial', async () => {
  const store = await openStore('sqlite::memory:');
  const ledger = new Ledger({ store });
  await withScope({ runId: 'r1', trial: 't' }, () => ledger.open(intent(1)));
  await withScope({ runId: 'r1', trial: 'u', role: 'judge' }, () => ledger.open(intent(0, 'judge-model')));
  const nothing = { total_calls: 0, prompt_tokens: 0, completion_tokens: 0, reasoning_tokens: null, total_tokens: 0, calls_by_model: {}, by_role: {}, by_branch: {}, failed_calls: 0, estimated_calls: 0, unknown_calls: 0, retries: 0 };
  expect(await llmUsage(store, { runId: 'r1' })).toEqual({ ...nothing, in_flight_calls: 2 });
  expect(await llmUsage(store, { runId: 'none' })).toEqual(nothing);
  await store.markLost('r1', 1);
  expect(await llmUsage(store, { runId: 'r1', trial: 'u' })).toMatchObject({
    total_calls: 1,
    failed_calls: 1,
    unknown_calls: 1,
    calls_by_model: { 'judge-model': 1 },
    by_role: { judge: { calls: 1 } },
    by_branch: { '(trunk)': { own: { calls: 1 }, inclusive: { calls: 1 }, pre_fork: { calls: 0 } } },
  });
  await store.close();
});
