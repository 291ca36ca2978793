import { describe, expect, it, onTestFinished } from 'vitest';
import { UNKNOWN_USAGE, type CallIntent, type CallSettlement } from '../core/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { Ledger, type LedgerOptions } from './ledger.ts';
import { withScope } from './scope.ts';
import { Tally } from './tally.ts';

const INTENT: CallIntent = {
  id: '01CALL',
  logicalId: '01LOGICAL',
  retry: 0,
  scope: { runId: 'r', role: 'target' },
  target: 'openai:m',
  deployment: 'openai/api.openai.com/m',
  protocol: 'openai-chat',
  modelAsked: 'm',
  stream: false,
  simulated: false,
  queuedAt: 1_000,
  sentAt: 1_200,
  waitedMs: 200,
  reservedTokens: 50,
};

const FATE: Omit<CallSettlement, 'id'> = {
  status: 'ok',
  httpStatus: 200,
  modelAnswered: 'm-2026',
  usage: { ...UNKNOWN_USAGE, inputFresh: 7, outputText: 5, source: 'reported' },
  costUsd: 0.01,
  firstTokenMs: 20,
  totalMs: 30,
  finishReason: 'stop',
  requestId: 'req_1',
  error: null,
};

async function openLedger(options: Partial<LedgerOptions> = {}): Promise<{ readonly ledger: Ledger; readonly store: Store }> {
  const store = await openStore('sqlite::memory:');
  onTestFinished(() => store.close());
  return { ledger: new Ledger({ store, ...options }), store };
}

describe('Ledger', () => {
  it('has a row for a call as soon as it is opened, and its fate once it is settled', async () => {
    const { ledger, store } = await openLedger();
    const open = await ledger.open(INTENT);
    expect(await store.calls({})).toEqual([{ intent: INTENT, settlement: null }]);
    await open.settle(FATE);
    expect(await store.calls({})).toEqual([{ intent: INTENT, settlement: { id: INTENT.id, ...FATE } }]);
  });

  it('keeps the first settlement, and counts it once', async () => {
    const tally = new Tally();
    const told: string[] = [];
    const { ledger, store } = await openLedger({ onSettled: (_intent, { status }) => told.push(status) });
    const open = await withScope({}, () => ledger.open(INTENT), tally);
    await Promise.all([open.settle(FATE), open.settle({ ...FATE, status: 'timeout', usage: UNKNOWN_USAGE })]);
    await open.settle({ ...FATE, status: 'aborted' });
    expect((await store.calls({})).map((row) => row.settlement?.status)).toEqual(['ok']);
    expect(told).toEqual(['ok']);
    expect(tally).toMatchObject({ calls: 1, failedCalls: 0, tokens: { total_tokens: 12 } });
  });

  it('has one row for an intent that is committed twice', async () => {
    const { ledger, store } = await openLedger();
    await ledger.open(INTENT);
    await ledger.open(INTENT);
    expect(await store.calls({})).toHaveLength(1);
  });

  it('adds to the tallies of the scope a call was opened in, wherever it is settled', async () => {
    const [outer, inner, elsewhere] = [new Tally(), new Tally(), new Tally()];
    const { ledger } = await openLedger();
    const open = await withScope({}, () => withScope({}, () => ledger.open(INTENT), inner), outer);
    await withScope({}, () => open.settle(FATE), elsewhere);
    expect([outer.calls, inner.calls, elsewhere.calls]).toEqual([1, 1, 0]);
  });

  it('does not open a call whose intent cannot be committed', async () => {
    const tally = new Tally();
    const { ledger } = await openLedger({ store: { write: () => Promise.reject(new Error('disk full')) } });
    await expect(withScope({}, () => ledger.open(INTENT), tally)).rejects.toThrow('disk full');
    expect(tally.calls).toBe(0);
  });

  it('says when a settlement cannot be committed, each time it is asked', async () => {
    const written: string[] = [];
    const { ledger } = await openLedger({
      store: {
        write: async (...ops) => {
          written.push(...ops.map(({ op }) => op));
          if (ops.some(({ op }) => op === 'call.settle')) throw new Error('disk full');
        },
      },
    });
    const open = await ledger.open(INTENT);
    await expect(open.settle(FATE)).rejects.toThrow('disk full');
    await expect(open.settle(FATE)).rejects.toThrow('disk full');
    expect(written).toEqual(['call.open', 'call.settle']);
  });

  it('commits a settlement though a listener fails', async () => {
    const { ledger, store } = await openLedger({
      onSettled: () => {
        throw new Error('listener failed');
      },
    });
    const open = await ledger.open(INTENT);
    await expect(open.settle(FATE)).rejects.toThrow('listener failed');
    expect((await store.calls({}))[0]?.settlement?.status).toBe('ok');
  });

  it('leaves a call alone that was found lost before it settled', async () => {
    const { ledger, store } = await openLedger();
    const open = await ledger.open(INTENT);
    await store.markLost('r', 5_000);
    await open.settle(FATE);
    expect((await store.calls({})).map((row) => row.settlement?.status)).toEqual(['lost']);
  });
});
