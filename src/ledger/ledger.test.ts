import { describe, expect, it, onTestFinished } from 'vitest';
import { UNKNOWN_USAGE, type CallIntent, type CallSettlement } from '../core/index.ts';
import { openStore, type Store, type WriteOp } from '../store/index.ts';
import type { CallCounter } from './call-counter.ts';
import { Ledger, type LedgerOptions } from './ledger.ts';
import { carryScope, continueScope, currentScope, withScope } from './scope.ts';
import { Tally } from './tally.ts';
import { UsageTally } from './usage-tally.ts';

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

  it('tells tallies when a call is under way, and when its end is committed', async () => {
    const heard: string[] = [];
    const counter: CallCounter = {
      opened: ({ id }, forks) => void heard.push(`opened ${id} ${forks.map(({ branch }) => branch).join()}`),
      add: (_intent, { status }) => void heard.push(`ended ${status}`),
      closed: () => void heard.push('closed'),
    };
    const { ledger, store } = await openLedger({ onSettled: () => void heard.push('told') });
    const open = await withScope({ trial: 't', branch: 'a' }, () => ledger.open(INTENT), counter);
    expect(heard).toEqual(['opened 01CALL a']);
    const settled = open.settle(FATE);
    expect(heard.slice(1)).toEqual(['ended ok', 'told']);
    await settled;
    expect(heard.slice(3)).toEqual(['closed']);
    expect((await store.calls({}))[0]?.settlement?.status).toBe('ok');
  });

  it('waits for nothing more of a call that never came into the ledger, or whose end did not', async () => {
    const tally = new UsageTally();
    let refusing = 'call.open';
    const { ledger } = await openLedger({
      store: {
        write: async (...ops) => {
          if (ops.some(({ op }) => op === refusing)) throw new Error('disk full');
        },
      },
    });
    await expect(withScope({}, () => ledger.open(INTENT), tally)).rejects.toThrow('disk full');
    expect(tally.inFlight).toBe(0);
    refusing = 'call.settle';
    const open = await withScope({}, () => ledger.open(INTENT), tally);
    expect(tally.inFlight).toBe(1);
    await expect(open.settle(FATE)).rejects.toThrow('disk full');
    await tally.settled();
    expect(tally.toDict().total_calls).toBe(1);
  });
});

describe('forks in the ledger', () => {
  const forksOf = (ops: readonly WriteOp[]): string[] => ops.flatMap((op) => (op.op === 'fork.add' ? [`${op.fork.runId}/${op.fork.trial}/${op.fork.branch}`] : []));
  function spy(): { readonly ledger: Ledger; readonly writes: (readonly WriteOp[])[]; fail: boolean } {
    const writes: (readonly WriteOp[])[] = [];
    const at = {
      writes,
      fail: false,
      ledger: new Ledger({
        store: {
          write: async (...ops) => {
            if (at.fail) throw new Error('disk full');
            writes.push(ops);
          },
        },
      }),
    };
    return at;
  }
  const callIn = (ledger: Ledger): Promise<unknown> => ledger.open({ ...INTENT, scope: currentScope() });

  it('are entered with the first call of a branch, those around it first, and never again', async () => {
    const { ledger, writes } = spy();
    await withScope({ runId: 'r', trial: 't' }, async () => {
      await callIn(ledger);
      await withScope({ branch: 'a' }, () => withScope({ branch: 'b' }, () => callIn(ledger)));
      await withScope({ branch: 'a' }, () => callIn(ledger));
      await withScope({ branch: 'c' }, async () => undefined);
    });
    expect(writes.map(forksOf)).toEqual([[], ['r/t/a', 'r/t/a/b'], []]);
  });

  it('are entered once for a scope that comes with every request', async () => {
    const { ledger, writes } = spy();
    const carried = withScope({ runId: 'r', trial: 't', branch: 'a' }, carryScope);
    for (let request = 0; request < 3; request++) await continueScope({ scope: { ...carried.scope }, forks: carried.forks.map((fork) => ({ ...fork })) }, () => callIn(ledger));
    expect(writes.map(forksOf)).toEqual([['r/t/a'], [], []]);
  });

  it('are entered by the next call where the first could not be committed', async () => {
    const at = spy();
    await withScope({ runId: 'r', trial: 't', branch: 'a' }, async () => {
      at.fail = true;
      await expect(callIn(at.ledger)).rejects.toThrow('disk full');
      at.fail = false;
      await callIn(at.ledger);
    });
    expect(at.writes.map(forksOf)).toEqual([['r/t/a']]);
  });

  it('of the same branch in other trials and runs are their own', async () => {
    const { ledger, writes } = spy();
    for (const part of [{ runId: 'r', trial: 't' }, { runId: 'r', trial: 'u' }, { runId: 's', trial: 't' }]) await withScope({ ...part, branch: 'a' }, () => callIn(ledger));
    expect(writes.map(forksOf)).toEqual([['r/t/a'], ['r/u/a'], ['s/t/a']]);
  });
});
