import { describe, expect, it } from 'vitest';
import { createRedactor } from '../redaction.ts';
import { erredAttempt, sampleAnswer, sampleAttempt, sampleEntry, sampleEvent, sampleFork, sampleGoal, sampleIntent, sampleRun, sampleScore, sampleSettlement, sampleStep, T0 } from './samples.ts';
import type { MakeStore } from './store-under-test.ts';

/** What goes in comes out, in the order and number that the contract names. */
export function rowsConformance(make: MakeStore): void {
  describe('rows', () => {
    it('gives back every kind of row as it was written', async () => {
      await using database = await make();
      const store = await database.open();
      const run = sampleRun('r1', { name: 'nightly', engagement: 'me, until noon', planned: 2, seed: 2 ** 40 });
      const attempt = sampleAttempt('r1', 0, 'a');
      const step = sampleStep('r1', 0, 's', { value: [1, 'two', { three: null }] });
      const entry = sampleEntry('r1', 0, 'e');
      const score = sampleScore('r1', 0, 'a', { value: null, reason: 'abstained' });
      const intent = sampleIntent('c1', { scope: { runId: 'r1', goalIndex: 0, attemptKey: 'a', trial: 't', branch: 'root/left', role: 'target', phase: 'Generation' }, via: 'gateway', stream: true });
      const settlement = sampleSettlement('c1');
      await store.write(
        { op: 'run.insert', run },
        { op: 'goal.plan', goal: sampleGoal('r1', 0, { variant: 'v' }) },
        { op: 'attempt.finish', attempt },
        { op: 'step.finish', step },
        { op: 'entry.add', entry },
        { op: 'score.put', score },
        { op: 'call.open', intent },
        { op: 'call.settle', settlement },
        { op: 'call.open', intent: sampleIntent('c2', { target: null, modelAsked: null }) },
        { op: 'answer.put', answer: sampleAnswer('r1', 'k', 0) },
        { op: 'event.add', event: sampleEvent('r1', 1) },
      );
      expect(await store.getRun('r1')).toStrictEqual(run);
      expect(await store.goal('r1', 0)).toStrictEqual({ ...sampleGoal('r1', 0, { variant: 'v' }), outcome: null, startedAt: null, endedAt: null });
      expect(await store.attempts('r1', 0)).toStrictEqual([attempt]);
      expect(await store.steps('r1', 0)).toStrictEqual([step]);
      expect(await store.transcript('r1', 0)).toStrictEqual([entry]);
      expect(await store.scores('r1', 0)).toStrictEqual([score]);
      expect(await store.calls({ runId: 'r1' })).toStrictEqual([{ intent, settlement }]);
      expect(await store.calls({ runId: null })).toStrictEqual([{ intent: sampleIntent('c2', { target: null, modelAsked: null }), settlement: null }]);
      expect(await store.answer({ runId: 'r1', key: 'k', occurrence: 0 })).toStrictEqual(sampleAnswer('r1', 'k', 0));
      expect(await store.events({ after: 0, limit: 10 })).toStrictEqual([{ seq: 1, ...sampleEvent('r1', 1) }]);
    });

    it('knows nothing of rows that were never written', async () => {
      await using database = await make();
      const store = await database.open();
      expect(await store.getRun('none')).toBeUndefined();
      expect(await store.goal('none', 0)).toBeUndefined();
      expect(await store.getValue('none')).toBeUndefined();
      expect(await store.getLease('none')).toBeUndefined();
      expect(await store.answer({ runId: 'none', key: 'k', occurrence: 0 })).toBeUndefined();
      expect([...(await store.answerCounts('none'))]).toEqual([]);
      expect(await store.sumBranches({ runId: 'none' })).toEqual([]);
      expect(await store.countGoals('none')).toStrictEqual({ planned: 0, byOutcome: {} });
    });

    it('updates only the columns that a patch names', async () => {
      await using database = await make();
      const store = await database.open();
      const run = sampleRun('r1', { reason: 'starting' });
      await store.write({ op: 'run.insert', run });
      await store.write({ op: 'run.update', id: 'r1', patch: { planned: 0, simulated: true } });
      await store.write({ op: 'run.update', id: 'r1', patch: { status: 'completed', reason: null, endedAt: T0 + 9 } });
      await store.write({ op: 'run.update', id: 'r1', patch: {} });
      expect(await store.getRun('r1')).toStrictEqual({ ...run, planned: 0, simulated: true, status: 'completed', reason: null, endedAt: T0 + 9 });
    });

    it('pages goals by index and filters them by outcome, open ones included, and by plugin', async () => {
      await using database = await make();
      const store = await database.open();
      for (let index = 0; index < 10; index++) await store.write({ op: 'goal.plan', goal: sampleGoal('r1', index, { plugin: index % 2 === 0 ? 'even' : 'odd' }) });
      await store.write({ op: 'goal.finalize', runId: 'r1', index: 3, outcome: { kind: 'passed' }, at: T0 });
      await store.write({ op: 'goal.finalize', runId: 'r1', index: 4, outcome: { kind: 'attack_failed', blocked: true }, at: T0 });
      await store.write({ op: 'goal.finalize', runId: 'r1', index: 5, outcome: { kind: 'error', source: 'judge', code: 'timeout', reason: 'slow' }, at: T0 });
      const indices = async (options: Parameters<typeof store.goals>[1]): Promise<number[]> => (await store.goals('r1', options)).map((goal) => goal.index);
      expect(await indices({ from: 0, limit: 4 })).toEqual([0, 1, 2, 3]);
      expect(await indices({ from: 4, limit: 4 })).toEqual([4, 5, 6, 7]);
      expect(await indices({ from: 0, limit: 9, outcomes: ['passed', 'error'] })).toEqual([3, 5]);
      expect(await indices({ from: 2, limit: 3, outcomes: ['open', 'passed'] })).toEqual([2, 3, 6]);
      expect(await indices({ from: 0, limit: 9, outcomes: [] })).toEqual([]);
      expect(await indices({ from: 3, limit: 9, plugin: 'even' })).toEqual([4, 6, 8]);
      expect(await store.countGoals('r1')).toStrictEqual({ planned: 10, byOutcome: { open: 7, passed: 1, attack_failed: 1, blocked: 1, error: 1 } });
    });

    it('starts a goal again only while its outcome may be superseded', async () => {
      await using database = await make();
      const store = await database.open();
      const start = (at: number): Promise<void> => store.write({ op: 'goal.start', runId: 'r1', index: 0, at });
      const startedAt = async (): Promise<number | null | undefined> => (await store.goal('r1', 0))?.startedAt;
      await store.write({ op: 'goal.plan', goal: sampleGoal('r1', 0) });
      await start(T0);
      await store.write({ op: 'goal.finalize', runId: 'r1', index: 0, outcome: { kind: 'interrupted', reason: 'killed' }, at: T0 + 1 });
      await start(T0 + 2);
      expect(await startedAt()).toBe(T0 + 2);
      await store.write({ op: 'goal.finalize', runId: 'r1', index: 0, outcome: { kind: 'passed' }, at: T0 + 3 });
      await start(T0 + 4);
      expect(await startedAt()).toBe(T0 + 2);
      expect(await store.goal('r1', 0)).toMatchObject({ outcome: { kind: 'passed' }, endedAt: T0 + 3 });
    });

    it('pages calls of a trial, and of no run', async () => {
      await using database = await make();
      const store = await database.open();
      for (const [id, scope] of [['c1', { runId: 'r1', trial: 't' }], ['c2', { runId: 'r1' }], ['c3', { trial: 't' }], ['c4', { runId: 'r1', trial: 'u' }]] as const) {
        await store.write({ op: 'call.open', intent: sampleIntent(id, { scope }) });
      }
      const ids = async (filter: Parameters<typeof store.calls>[0]): Promise<string[]> => (await store.calls(filter)).map((call) => call.intent.id);
      expect(await ids({ runId: 'r1', trial: 't' })).toEqual(['c1']);
      expect(await ids({ trial: 't' })).toEqual(['c1', 'c3']);
      expect(await ids({ runId: null, trial: 't' })).toEqual(['c3']);
    });

    it('pages calls after an id', async () => {
      await using database = await make();
      const store = await database.open();
      for (const id of ['c3', 'c1', 'c2', 'c4']) await store.write({ op: 'call.open', intent: sampleIntent(id, { scope: { runId: 'r1' } }) });
      const ids = async (options: { limit?: number; after?: string }): Promise<string[]> => (await store.calls({ runId: 'r1' }, options)).map((call) => call.intent.id);
      expect(await ids({ limit: 2 })).toEqual(['c1', 'c2']);
      expect(await ids({ limit: 9, after: 'c2' })).toEqual(['c3', 'c4']);
    });

    it('puts transcript entries of one instant in the order they were written', async () => {
      await using database = await make();
      const store = await database.open();
      for (const key of ['z', 'a', 'm']) await store.write({ op: 'entry.add', entry: sampleEntry('r1', 0, key) });
      await store.write({ op: 'entry.add', entry: sampleEntry('r1', 0, 'early', { at: T0 - 1 }) });
      expect((await store.transcript('r1', 0)).map((entry) => entry.key)).toEqual(['early', 'z', 'a', 'm']);
    });

    it('lets an attempt that ended in error be done again, forgetting its scores, but no other', async () => {
      await using database = await make();
      const store = await database.open();
      const erred = erredAttempt('r1', 0, 'a', T0);
      await store.write({ op: 'attempt.finish', attempt: erred }, { op: 'score.put', score: sampleScore('r1', 0, 'a') });
      await store.write({ op: 'score.put', score: sampleScore('r1', 0, 'b') });
      await store.write({ op: 'attempt.finish', attempt: erred });
      expect(await store.scores('r1', 0)).toHaveLength(2);
      const good = sampleAttempt('r1', 0, 'a', { startedAt: T0 + 100, endedAt: T0 + 200 });
      await store.write({ op: 'attempt.finish', attempt: good });
      expect(await store.attempts('r1', 0)).toStrictEqual([good]);
      expect((await store.scores('r1', 0)).map((score) => score.attemptKey)).toEqual(['b']);
      await store.write({ op: 'attempt.finish', attempt: erredAttempt('r1', 0, 'a', T0 + 300) });
      await store.write({ op: 'attempt.finish', attempt: sampleAttempt('r1', 0, 'a', { notes: { second: true }, startedAt: T0 + 400 }) });
      expect(await store.attempts('r1', 0)).toStrictEqual([good]);
      expect(await store.countAttempts('r1')).toEqual({ finished: 1, errors: 0 });
    });

    it('settles a call once, and not after it was found lost', async () => {
      await using database = await make();
      const store = await database.open();
      const scope = { runId: 'r1' };
      await store.write(...['c1', 'c2', 'c3'].map((id) => ({ op: 'call.open' as const, intent: sampleIntent(id, { scope }) })));
      await store.write({ op: 'call.open', intent: sampleIntent('other', { scope: { runId: 'r2' } }) });
      await store.write({ op: 'call.settle', settlement: sampleSettlement('c1') });
      await store.write({ op: 'call.settle', settlement: sampleSettlement('c1', { status: 'http_error' }) });
      expect(await store.markLost('r1', T0)).toBe(2);
      expect(await store.markLost('r1', T0)).toBe(0);
      await store.write({ op: 'call.settle', settlement: sampleSettlement('c2') });
      expect((await store.calls({ runId: 'r1' })).map((call) => call.settlement?.status)).toEqual(['ok', 'lost', 'lost']);
      expect((await store.calls({ runId: 'r2' }))[0]?.settlement).toBeNull();
    });

    it('numbers events in commit order and gives them after a number', async () => {
      await using database = await make();
      const store = await database.open();
      await Promise.all(Array.from({ length: 50 }, (_, n) => store.write({ op: 'event.add', event: sampleEvent(n % 2 === 0 ? 'even' : 'odd', n) })));
      const all = await store.events({ after: 0, limit: 100 });
      expect(all.map((event) => event.data['n'])).toEqual(Array.from({ length: 50 }, (_, n) => n));
      expect(all.every((event, n) => n === 0 || event.seq > all[n - 1]!.seq)).toBe(true);
      const odd = await store.events({ runId: 'odd', after: all[9]!.seq, limit: 3 });
      expect(odd.map((event) => event.data['n'])).toEqual([11, 13, 15]);
    });

    it('undoes a whole write when one op of it breaks, and commits the others', async () => {
      await using database = await make();
      const store = await database.open();
      const broken = sampleGoal('r1', 1, { text: null as unknown as string });
      const results = await Promise.allSettled([
        store.write({ op: 'goal.plan', goal: sampleGoal('r1', 0) }),
        store.write({ op: 'goal.plan', goal: sampleGoal('r1', 5) }, { op: 'attempt.finish', attempt: sampleAttempt('r1', 5, 'a', { seq: null as unknown as number }) }),
        store.write({ op: 'goal.plan', goal: broken }),
        store.write({ op: 'goal.plan', goal: sampleGoal('r1', 2) }),
      ]);
      expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
      expect((await store.goals('r1', { from: 0, limit: 9 })).map((goal) => goal.index)).toEqual([0, 2]);
      await expect(store.write({ op: 'attempt.finish', attempt: sampleAttempt('r1', 0, 'a', { seq: null as unknown as number }) })).rejects.toMatchObject({ code: 'store' });
    });

    it('replays what a deployment was sent: tokens used where known, else tokens reserved', async () => {
      await using database = await make();
      const store = await database.open();
      const send = (id: string, sentAt: number, deployment = 'd'): Promise<void> => store.write({ op: 'call.open', intent: sampleIntent(id, { deployment, sentAt, reservedTokens: 500 }) });
      await send('c1', T0 - 1);
      await send('c3', T0 + 2);
      await send('c2', T0);
      await send('c4', T0 + 3);
      await send('x', T0, 'elsewhere');
      await store.write({ op: 'call.settle', settlement: sampleSettlement('c2') });
      await store.write({ op: 'call.settle', settlement: sampleSettlement('c3', { status: 'network_error', usage: { ...sampleSettlement('').usage, source: 'unknown' } }) });
      expect(await store.callsSince('d', T0)).toEqual([
        { at: T0, tokens: 160 },
        { at: T0 + 2, tokens: 500 },
        { at: T0 + 3, tokens: 500 },
      ]);
      expect([await store.tokensSince('d', T0), await store.tokensSince('d', T0 + 3), await store.tokensSince('nowhere', 0)]).toEqual([1_160, 500, 0]);
    });

    it('finds a run by id, by a part that only it has, and by `last`', async () => {
      await using database = await make();
      const store = await database.open();
      await expect(store.findRun('last')).rejects.toMatchObject({ code: 'not_found' });
      await store.write({ op: 'run.insert', run: sampleRun('20260101-100000-abcd', { createdAt: T0 + 5 }) });
      await store.write({ op: 'run.insert', run: sampleRun('20260101-110000-efgh', { createdAt: T0, status: 'completed' }) });
      expect((await store.findRun('last')).id).toBe('20260101-100000-abcd');
      expect((await store.findRun('EFGH')).id).toBe('20260101-110000-efgh');
      expect((await store.findRun('20260101-110000-efgh')).id).toBe('20260101-110000-efgh');
      await expect(store.findRun('20260101')).rejects.toMatchObject({ code: 'not_found', hint: expect.stringMatching(/abcd.*efgh/) as unknown });
      await expect(store.findRun('%')).rejects.toMatchObject({ code: 'not_found', hint: expect.stringContaining('abcd') as unknown });
      expect((await store.listRuns()).map((run) => run.id)).toEqual(['20260101-100000-abcd', '20260101-110000-efgh']);
      expect((await store.listRuns({ limit: 1, status: 'completed' })).map((run) => run.id)).toEqual(['20260101-110000-efgh']);
    });

    it('keeps known secrets out of every column, and finds rows by names that held one', async () => {
      await using database = await make();
      const secret = 'hunter2-hunter2';
      const store = await database.open({ redact: createRedactor([{ name: 'THE_KEY', value: secret }]) });
      const say = `x ${secret} y`;
      await store.write(
        { op: 'run.insert', run: sampleRun('r1', { reason: say, name: say, engagement: say, config: { [say]: say }, suites: [say], targets: [say] }) },
        { op: 'goal.plan', goal: sampleGoal('r1', 0, { plugin: say, target: say, text: say, variant: say, tags: [say], data: say }) },
        { op: 'goal.finalize', runId: 'r1', index: 0, outcome: { kind: 'error', source: 'target', code: 'call_failed', reason: say }, at: T0 },
        { op: 'goal.finalize', runId: 'r1', index: 0, outcome: { kind: 'failed', reason: say }, at: T0 },
        { op: 'attempt.finish', attempt: sampleAttempt('r1', 0, say, { conversation: [{ role: 'user', content: say }], notes: { say }, error: { source: 'target', code: 'x', message: say } }) },
        { op: 'step.finish', step: sampleStep('r1', 0, say, { name: say, value: { say } }) },
        { op: 'entry.add', entry: sampleEntry('r1', 0, say, { data: [say] }) },
        { op: 'score.put', score: sampleScore('r1', 0, say, { grader: say, reason: say }) },
        { op: 'call.open', intent: sampleIntent('c1', { scope: { runId: 'r1', goalIndex: 0, attemptKey: say, trial: say, branch: say, role: say, phase: say }, target: say, deployment: say, modelAsked: say }) },
        { op: 'call.settle', settlement: sampleSettlement('c1', { modelAnswered: say, error: say, finishReason: say, requestId: say, usage: { ...sampleSettlement('').usage, raw: { say } } }) },
        { op: 'fork.add', fork: sampleFork('r1', say, 'c2', { goalIndex: 0, trial: say }) },
        { op: 'answer.put', answer: sampleAnswer('r1', 'k', 0, { body: say, headers: { 'x-echo': say } }) },
        { op: 'event.add', event: sampleEvent('r1', 1, { data: { say } }) },
      );
      await store.updateValue(say, () => ({ say }));
      const all = JSON.stringify([
        await store.listRuns(),
        await store.goals('r1', { from: 0, limit: 9 }),
        await store.goalHistory('r1', 0),
        await store.attempts('r1', 0),
        await store.steps('r1', 0),
        await store.transcript('r1', 0),
        await store.scores('r1', 0),
        await store.calls({}),
        await store.events({ after: 0, limit: 9 }),
        await store.getValue(say),
        await store.sumBranches({}),
        await store.answer({ runId: 'r1', key: 'k', occurrence: 0 }),
      ]);
      expect(all).not.toContain(secret);
      expect(all.split('[redacted:THE_KEY]').length - 1).toBeGreaterThanOrEqual(43);
      expect(await store.calls({ attemptKey: say, trial: say })).toHaveLength(1);
      expect((await store.sumBranches({ trial: say })).map(({ branch, preFork }) => [branch, preFork?.calls.total])).toHaveLength(2);
      expect(await store.callsSince(say, 0)).toHaveLength(1);
      expect(await store.goals('r1', { from: 0, limit: 9, plugin: say })).toHaveLength(1);
      expect(await store.worstScores('r1', { plugin: say, target: say, grader: say, limit: 9 })).toHaveLength(1);
    });

    it('keeps a key that a model leaked as evidence, and takes the same text out of an error', async () => {
      await using database = await make();
      const store = await database.open();
      const leak = 'sk-proj-abcdefghij0123456789';
      await store.write(
        { op: 'attempt.finish', attempt: sampleAttempt('r1', 0, 'a', { outputs: [{ text: leak, finishReason: 'stop', blocked: false, callId: 'c' }] }) },
        { op: 'attempt.finish', attempt: sampleAttempt('r1', 0, 'b', { seq: 1, status: 'error', error: { source: 'target', code: 'x', message: `401: bad key ${leak}` } }) },
      );
      await store.write({ op: 'answer.put', answer: sampleAnswer('r1', 'k', 0, { body: leak, headers: { 'x-token': leak, 'set-cookie': 'sid=0123' } }) });
      expect(await store.answer({ runId: 'r1', key: 'k', occurrence: 0 })).toMatchObject({ body: leak, headers: { 'x-token': '[redacted:api-key]', 'set-cookie': '[redacted:credential]' } });
      const [leaked, erred] = await store.attempts('r1', 0);
      expect(leaked?.outputs[0]?.text).toBe(leak);
      expect(erred?.error?.message).toBe('401: bad key [redacted:api-key]');
    });
  });
}
