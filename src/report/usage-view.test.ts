import { describe, expect, it } from 'vitest';
import { UNKNOWN_USAGE, type CallFate, type Scope } from '../core/index.ts';
import { openStore, type CallSums, type Store } from '../store/index.ts';
import { callTotals, usageView } from './usage-view.ts';

interface Made {
  readonly scope: Scope;
  readonly status?: CallFate;
  readonly retry?: number;
  readonly simulated?: boolean;
  readonly costUsd?: number | null;
}

/** Writes calls of 10 prompt and 2 completion tokens each, with ids in their order. */
async function made(store: Store, calls: readonly Made[], from = 0): Promise<void> {
  for (const [n, { scope, status = 'ok', retry = 0, simulated = false, costUsd = 0.25 }] of calls.entries()) {
    const id = `call-${String(from + n).padStart(3, '0')}`;
    const used = status === 'ok';
    await store.write(
      {
        op: 'call.open',
        intent: { id, logicalId: id, retry, scope, target: null, deployment: 'd', protocol: 'openai-chat', modelAsked: 'm', stream: false, simulated, queuedAt: 1, sentAt: 1, waitedMs: 3, reservedTokens: 20 },
      },
      {
        op: 'call.settle',
        settlement: {
          id,
          status,
          httpStatus: 200,
          modelAnswered: null,
          usage: used ? { ...UNKNOWN_USAGE, inputFresh: 10, outputText: 2, source: 'reported' } : UNKNOWN_USAGE,
          costUsd: used ? costUsd : null,
          firstTokenMs: null,
          totalMs: 1,
          finishReason: null,
          requestId: null,
          error: null,
        },
      },
    );
  }
}

const sums: CallSums = {
  calls: { total: 7, in_flight: 2, ok: 3, blocked: 1, http_error: 0, rate_limited: 1, timeout: 0, aborted: 0, cut: 0, malformed: 0, network_error: 0, lost: 0, replayed: 0 },
  prompt_tokens: 10,
  completion_tokens: 5,
  reasoning_tokens: null,
  total_tokens: 15,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  estimated: 1,
  unknown_calls: 1,
  unknown_reserved_tokens: 300,
  cost_usd: 0,
  unpriced: 4,
  simulated: 0,
  retries: 1,
  waited_ms: 20,
};

describe('sums over calls', () => {
  it('leave calls in flight out of the total', () => {
    expect(callTotals(sums)).toMatchObject({ calls: { total: 5 }, in_flight: 2 });
  });

  it('show what was replayed beside the calls, never among them', () => {
    const shown = callTotals({ ...sums, calls: { ...sums.calls, replayed: 4 } });
    expect(shown).toMatchObject({ calls: { total: 5 }, replayed: 4 });
    expect(shown.calls).not.toHaveProperty('replayed');
  });

  it('call a cost unknown, not nothing, where no call has a price', () => {
    expect(callTotals(sums).cost_usd).toBeNull();
    expect(callTotals({ ...sums, cost_usd: 0.5 })).toMatchObject({ cost_usd: 0.5, unpriced_calls: 4 });
    expect(callTotals({ ...sums, unpriced: 0, unknown_calls: 0 }).cost_usd).toBe(0);
    expect(callTotals({ ...sums, unpriced: 0, unknown_calls: 1 }).cost_usd).toBeNull();
  });

  it('have the documented keys and no other for a run that has ended with all prices known', () => {
    const ended = callTotals({ ...sums, unpriced: 0, calls: { ...sums.calls, in_flight: 0 } });
    expect(Object.keys(ended)).toEqual(['calls', 'tokens', 'cost_usd', 'waited_ms']);
    expect(Object.keys(ended.calls)).toEqual(['total', 'ok', 'blocked', 'http_error', 'rate_limited', 'timeout', 'aborted', 'cut', 'malformed', 'network_error', 'lost']);
    expect(Object.keys(ended.tokens)).toEqual(['prompt_tokens', 'completion_tokens', 'reasoning_tokens', 'total_tokens', 'estimated', 'unknown_calls']);
  });
});

describe('what a run used', () => {
  it('is zero, and its cost nothing, without calls, and names no parts', async () => {
    const store = await openStore('sqlite::memory:');
    expect(await usageView(store, 'r1')).toEqual({
      run: 'r1',
      calls: { total: 0, ok: 0, blocked: 0, http_error: 0, rate_limited: 0, timeout: 0, aborted: 0, cut: 0, malformed: 0, network_error: 0, lost: 0 },
      tokens: { prompt_tokens: 0, completion_tokens: 0, reasoning_tokens: null, total_tokens: 0, estimated: 0, unknown_calls: 0 },
      cost_usd: 0,
      waited_ms: 0,
      by_model: {},
      by_role: {},
      by_deployment: {},
      by_probe: {},
    });
    await store.close();
  });

  it('is shown by trial, phase and branch where there are any, over all trials, calls of no trial apart', async () => {
    const store = await openStore('sqlite::memory:');
    const runId = 'r1';
    for (const [n, trial] of ['one', 'two'].entries()) {
      const from = n * 10;
      await made(store, [{ scope: { runId, trial, phase: 'setup' } }, { scope: { runId, trial } }], from);
      await store.write({ op: 'fork.add', fork: { runId, goalIndex: null, trial, branch: 'ask', id: `call-${String(from + 4).padStart(3, '0')}` } });
      await made(store, [{ scope: { runId, trial, branch: 'ask', role: 'judge' }, status: 'timeout', retry: 1 }], from + 5);
    }
    await made(store, [{ scope: { runId } }, { scope: { runId, trial: 'two' }, status: 'replayed' }], 90);
    const view = await usageView(store, runId);
    expect(view).toMatchObject({ calls: { total: 7, ok: 5, timeout: 2 }, replayed: 1, tokens: { total_tokens: 60, unknown_calls: 2 } });
    expect(view).not.toHaveProperty('by_variant');
    expect(Object.entries(view.by_trial ?? {}).map(([name, { calls, replayed, retries }]) => [name, calls.total, replayed, retries])).toEqual(
      expect.arrayContaining([
        ['one', 3, undefined, 1],
        ['two', 3, 1, 1],
        ['unattributed', 1, undefined, 0],
      ]),
    );
    expect(view.by_phase).toMatchObject({ setup: { calls: { total: 2 } }, unattributed: { calls: { total: 5 } } });
    expect(Object.keys(view.by_branch ?? {})).toEqual(['(trunk)', 'ask']);
    expect(view.by_branch).toMatchObject({
      '(trunk)': { own: { calls: { total: 5 } }, inclusive: { calls: { total: 7, timeout: 2 } }, pre_fork: { calls: { total: 0 } } },
      ask: { own: { calls: { total: 2 }, tokens: { total_tokens: 0, unknown_calls: 2 } }, inclusive: { calls: { total: 2 } }, pre_fork: { calls: { total: 4 }, tokens: { total_tokens: 48 } } },
    });
    const one = await usageView(store, runId, { trial: 'one' });
    expect(one).toMatchObject({ run: 'r1', trial: 'one', calls: { total: 3 }, by_trial: { one: { calls: { total: 3 } } }, by_branch: { ask: { pre_fork: { calls: { total: 2 } } } } });
    await expect(usageView(store, runId, { trial: 'three' })).rejects.toMatchObject({ code: 'not_found', hint: expect.stringContaining('assay usage r1') as unknown });
    await store.close();
  });

  it('is of calls of no run alone where no run is meant', async () => {
    const store = await openStore('sqlite::memory:');
    await made(store, [{ scope: { runId: 'r1' } }, { scope: {} }, { scope: { trial: 't' } }]);
    expect(await usageView(store, null)).toMatchObject({ run: null, calls: { total: 2 }, by_trial: { t: { calls: { total: 1 } }, unattributed: { calls: { total: 1 } } } });
    await store.close();
  });

  it('says so where a simulator answered, and how often where it did not answer all', async () => {
    const store = await openStore('sqlite::memory:');
    await made(store, [{ scope: { runId: 'mixed' }, simulated: true }, { scope: { runId: 'mixed' } }, { scope: { runId: 'all' }, simulated: true }, { scope: { runId: 'none' } }]);
    expect(await usageView(store, 'mixed')).toMatchObject({ simulated: true, simulated_calls: 1 });
    const all = await usageView(store, 'all');
    expect(all.simulated).toBe(true);
    expect(all).not.toHaveProperty('simulated_calls');
    expect(await usageView(store, 'none')).not.toHaveProperty('simulated');
    await store.close();
  });
});
