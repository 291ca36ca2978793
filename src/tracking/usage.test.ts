import { describe, expect, it, onTestFinished } from 'vitest';
import { newId, UNKNOWN_USAGE, type CallSettlement } from '../core/index.ts';
import { Ledger, withScope, type OpenCall } from '../ledger/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { branch, clearCurrentTracker, currentScope, currentUsage, LLMUsageTracker, role, setCurrentTracker, trial } from './index.ts';

const FATE: Omit<CallSettlement, 'id'> = {
  status: 'ok',
  httpStatus: 200,
  modelAnswered: 'm-2026',
  usage: { ...UNKNOWN_USAGE, inputFresh: 7, outputText: 3, reasoning: 2, source: 'reported' },
  costUsd: null,
  firstTokenMs: null,
  totalMs: null,
  finishReason: 'stop',
  requestId: null,
  error: null,
};

async function books(): Promise<{ readonly store: Store; readonly open: () => Promise<OpenCall>; readonly call: (fate?: Partial<CallSettlement>) => Promise<void> }> {
  const store = await openStore('sqlite::memory:');
  onTestFinished(() => store.close());
  const ledger = new Ledger({ store });
  const open = (): Promise<OpenCall> =>
    ledger.open({
      id: newId(),
      logicalId: newId(),
      retry: 0,
      scope: currentScope(),
      target: null,
      deployment: 'openai/h/m',
      protocol: 'openai-chat',
      modelAsked: 'm',
      stream: false,
      simulated: false,
      queuedAt: 0,
      sentAt: 0,
      waitedMs: 0,
      reservedTokens: 0,
    });
  return { store, open, call: async (fate = {}) => (await open()).settle({ ...FATE, ...fate }) };
}

describe('currentUsage', () => {
  it('is of the innermost trial, live, with what ran in trials inside it', async () => {
    const { call } = await books();
    await trial('outer', async () => {
      await call();
      expect(currentUsage()).toMatchObject({ total_calls: 1, total_tokens: 12 });
      await trial('inner', async () => {
        expect(currentUsage().total_calls).toBe(0);
        await branch('a', () => role('judge', () => call({ status: 'http_error', usage: UNKNOWN_USAGE })));
        expect(currentUsage()).toMatchObject({ total_calls: 1, failed_calls: 1, unknown_calls: 1, by_role: { judge: { calls: 1 } }, by_branch: { a: { own: { calls: 1 } } } });
      });
      expect(currentUsage()).toMatchObject({ total_calls: 2, failed_calls: 1 });
    });
  });

  it('outside any trial is of the process, whatever the scopes', async () => {
    const { call } = await books();
    const before = currentUsage().total_calls;
    await call();
    await trial('t', () => call());
    await withScope({ goalIndex: 1 }, () => call());
    expect(currentUsage().total_calls - before).toBe(3);
  });
});

describe('LLMUsageTracker', () => {
  it('counts what its function calls, and nothing else', async () => {
    const { call } = await books();
    const tracker = new LLMUsageTracker();
    await call();
    const value = await tracker.track(async () => {
      await Promise.all([call(), role('memory', () => call({ modelAnswered: null }))]);
      return 'value';
    });
    await call();
    expect(value).toBe('value');
    expect(tracker.toDict()).toMatchObject({
      total_calls: 2,
      prompt_tokens: 14,
      completion_tokens: 10,
      reasoning_tokens: 4,
      total_tokens: 24,
      calls_by_model: { 'm-2026': 1, m: 1 },
      by_role: { memory: { calls: 1 }, unattributed: { calls: 1 } },
    });
  });

  it('adds up over several functions, also side by side, and does not count a call twice', async () => {
    const { call } = await books();
    const [one, other] = [new LLMUsageTracker(), new LLMUsageTracker()];
    await one.track(() => call());
    await Promise.all([one.track(() => one.track(() => call())), other.track(() => call()), one.track(() => other.track(() => call()))]);
    expect([one.toDict().total_calls, other.toDict().total_calls]).toEqual([3, 2]);
  });

  it('counts what settles after its function returned, and says when all has', async () => {
    const { open, store } = await books();
    const tracker = new LLMUsageTracker();
    const stream = await tracker.track(open);
    expect([tracker.inFlight, tracker.toDict().total_calls]).toEqual([1, 0]);
    const settled = tracker.settled().then(() => tracker.toDict());
    void stream.settle({ ...FATE, status: 'aborted' });
    expect(await settled).toMatchObject({ total_calls: 1, failed_calls: 1, total_tokens: 12 });
    expect((await store.calls({}))[0]?.settlement?.status).toBe('aborted');
    expect(tracker.inFlight).toBe(0);
  });

  it('counts the calls of a generator that is consumed elsewhere', async () => {
    const { call } = await books();
    const tracker = new LLMUsageTracker();
    const turns = tracker.track(async function* () {
      for (let turn = 0; turn < 3; turn++) {
        await call();
        yield turn;
      }
    });
    for await (const turn of turns) if (turn === 1) break;
    expect(tracker.toDict().total_calls).toBe(2);
  });
});

describe('setCurrentTracker', () => {
  it('counts every call of the process until it is cleared, in a trial or not', async () => {
    onTestFinished(clearCurrentTracker);
    const { call, open } = await books();
    const tracker = new LLMUsageTracker();
    const began = await trial('begun-before', open);
    setCurrentTracker(tracker);
    await call();
    await trial('t', () => branch('a', () => call()));
    await tracker.track(() => call());
    const underWay = await open();
    clearCurrentTracker();
    await call();
    await began.settle(FATE);
    await underWay.settle(FATE);
    expect(tracker.toDict().total_calls).toBe(4);
  });

  it('gives way to the next tracker', async () => {
    onTestFinished(clearCurrentTracker);
    const { call } = await books();
    const [first, second] = [new LLMUsageTracker(), new LLMUsageTracker()];
    setCurrentTracker(first);
    setCurrentTracker(first);
    await call();
    setCurrentTracker(second);
    await call();
    expect([first.toDict().total_calls, second.toDict().total_calls]).toEqual([1, 1]);
  });
});
