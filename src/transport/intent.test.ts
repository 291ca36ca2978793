import { describe, expect, it } from 'vitest';
import { Budget } from '../limiter/index.ts';
import { startSimulator } from '../simulator/index.ts';
import type { Store } from '../store/index.ts';
import { NO_RETRY } from './retry.ts';
import { chatCall, openRig, QUICK_RETRY } from './testing/rig.ts';
import { answer, completion, serve } from './testing/server.ts';

/** A store that refuses writes of one kind. */
function failing(op: 'call.open' | 'call.settle'): (store: Store) => Pick<Store, 'write'> {
  return (store) => ({ write: (...ops) => (ops.some((write) => write.op === op) ? Promise.reject(new Error('disk gone')) : store.write(...ops)) });
}

describe('the intent of a call', () => {
  it('is committed when the server receives the request', async () => {
    const seen: unknown[] = [];
    await using rig = await openRig();
    await using server = await serve(async (response, request, index) => {
      seen.push((await rig.rows()).map(({ intent, settlement }) => ({ retry: intent.retry, open: settlement === null })));
      await (index === 0 ? answer(500, {}) : answer(200, completion('hi')))(response, request, index);
    });
    await rig.transport.send(chatCall(server.url));
    expect(seen).toEqual([
      [{ retry: 0, open: true }],
      [
        { retry: 0, open: false },
        { retry: 1, open: true },
      ],
    ]);
  });

  it('that cannot be committed keeps the call from leaving', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig({ writing: failing('call.open') });
    const budget = new Budget({ calls: 5 });
    await expect(rig.transport.send(chatCall(server.url, { budgets: [budget] }))).rejects.toThrow('disk gone');
    expect(server.received).toEqual([]);
    expect(rig.stats()).toMatchObject({ in_flight: 0, waiting: 0, cumulative_tokens: 0 });
    expect(budget.used.calls + budget.reserved.calls).toBe(0);
  });

  it('stands where the settlement cannot be committed, and the place is given back all the same', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig({ writing: failing('call.settle') });
    await expect(rig.transport.send(chatCall(server.url))).rejects.toThrow('disk gone');
    expect(server.received).toHaveLength(1);
    expect(await rig.statuses()).toEqual([undefined]);
    expect(rig.stats()).toMatchObject({ in_flight: 0, waiting: 0, cumulative_tokens: 16 });
  });
});

describe('the books of the limiter', () => {
  it('hold nothing once a storm of faults is over', async () => {
    await using simulator = await startSimulator({
      seed: 11,
      faults: { error500: 0.1, error503: 0.1, reset: 0.1, cut: 0.1, malformed: 0.1, contentFilter: 0.05, missingUsage: 0.05, empty: 0.05 },
    });
    await using rig = await openRig({ limits: { concurrency: 8 } });
    const budget = new Budget({ tokens: 1_000_000 });
    const abort = new AbortController();
    const calls = Array.from({ length: 120 }, (_, i) =>
      rig.transport.send(
        chatCall(simulator.url, {
          retry: { ...QUICK_RETRY, tries: 2 },
          budgets: [budget],
          simulated: true,
          ask: { model: 'weak', stream: i % 2 === 0, messages: [{ role: 'user', content: `Topic ${i}` }] },
          ...(i >= 100 ? { signal: abort.signal } : {}),
        }),
      ),
    );
    abort.abort();
    const ended = await Promise.allSettled(calls);
    expect(new Set(ended.map(({ status }) => status))).toEqual(new Set(['fulfilled', 'rejected']));
    expect(rig.stats()).toMatchObject({ in_flight: 0, waiting: 0 });
    expect(budget.reserved).toEqual({ calls: 0, tokens: 0, usd: 0 });
    const rows = await rig.rows();
    expect(rows.every((row) => row.settlement !== null)).toBe(true);
    expect(rows).toHaveLength(simulator.stats().requests.received);
    expect(budget.used.calls).toBe(rows.length);
    expect(new Set(rows.map((row) => row.settlement?.status))).toEqual(new Set(['ok', 'blocked', 'http_error', 'network_error', 'cut', 'malformed']));
  });

  it('count each try against the cap on calls', async () => {
    await using server = await serve(answer(500, { error: { message: 'broken' } }));
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url, { budgets: [new Budget({ calls: 2 })] }))).rejects.toMatchObject({ code: 'budget_exhausted', budget: 'calls' });
    expect(await rig.statuses()).toEqual(['http_error', 'http_error']);
    expect(rig.stats()).toMatchObject({ in_flight: 0, waiting: 0 });
  });

  it('keep the whole reservation of an answer of which only the prompt is known to be billed', async () => {
    const start = { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], usage: { input_tokens: 30, output_tokens: 1 } } };
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`event: message_start\ndata: ${JSON.stringify(start)}\n\n`);
    });
    await using rig = await openRig();
    const call = { ...chatCall(server.url, { retry: NO_RETRY, ask: { stream: true, max_tokens: 400 } }), url: `${server.url}/v1/messages` };
    await expect(rig.transport.send(call)).rejects.toMatchObject({ status: 'cut' });
    expect((await rig.row()).settlement?.usage).toMatchObject({ source: 'reported', inputFresh: 30, outputText: undefined });
    expect(rig.stats().cumulative_tokens).toBe(430);
  });
});

it('sends nothing where a quota would book the call on a deployment that it does not go to', async () => {
  await using server = await serve(answer(200, completion('hi')));
  await using rig = await openRig({ limiting: (limiter) => ({ ...limiter, admit: (request) => limiter.admit({ ...request, deployment: 'compat/there/other' }) }) });
  await expect(rig.transport.send(chatCall(server.url))).rejects.toMatchObject({ code: 'config' });
  expect(server.received).toEqual([]);
  expect(await rig.rows()).toEqual([]);
  expect(rig.limiter.statsOf('compat/there/other')).toMatchObject({ in_flight: 0, waiting: 0 });
});
