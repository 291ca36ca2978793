import { describe, expect, it } from 'vitest';
import { VirtualClock, type CallStatus } from '../core/index.ts';
import { startSimulator, type FaultRates } from '../simulator/index.ts';
import { NO_RETRY } from './retry.ts';
import { chatCall, DEPLOYMENT, openRig, type Rig } from './testing/rig.ts';
import { answer, closedPort, completion, listen, serve, stream, streamOf, type Handler } from './testing/server.ts';

const once = { retry: NO_RETRY };
const streamed = { ...once, ask: { stream: true } };

/** Every slot and every waiter is gone, whatever became of the calls. */
function expectNothingHeld(rig: Rig): void {
  expect(rig.stats()).toMatchObject({ in_flight: 0, waiting: 0 });
}

describe('the fate of a call', () => {
  it.each([
    ['whole', {}],
    ['streamed', { stream: true }],
  ])('is ok with an answer that came %s', async (_how, ask) => {
    await using simulator = await startSimulator();
    await using rig = await openRig();
    const given = await rig.transport.send(chatCall(simulator.url, { ask: { model: 'echo', ...ask } }));
    expect(given).toMatchObject({ httpStatus: 200, blocked: false, facts: { answers: [{ text: 'hello', finishReason: 'stop' }] } });
    const { intent, settlement } = await rig.row();
    expect(intent).toMatchObject({ id: given.callId, retry: 0, deployment: DEPLOYMENT, protocol: 'openai-chat', modelAsked: 'echo', stream: 'stream' in ask });
    const [served] = simulator.log();
    expect(settlement).toMatchObject({
      status: 'ok',
      httpStatus: 200,
      modelAnswered: 'echo',
      finishReason: 'stop',
      error: null,
      requestId: served?.request_id,
      usage: { source: 'reported', inputFresh: served?.prompt_tokens, outputText: served?.completion_tokens },
    });
    expect(settlement?.firstTokenMs).toBeTypeOf('number');
    expectNothingHeld(rig);
  });

  it("is blocked, and an answer, where Azure's filter refuses the prompt", async () => {
    await using simulator = await startSimulator({ faults: { contentFilter: 1 } });
    await using rig = await openRig();
    const azure = { ...chatCall(simulator.url), url: `${simulator.url}/openai/deployments/weak/chat/completions?api-version=2024-10-21` };
    const given = await rig.transport.send(azure);
    expect(given).toMatchObject({ httpStatus: 400, blocked: true, facts: { blockReason: 'violence (medium)' } });
    expect((await rig.row()).settlement).toMatchObject({ status: 'blocked', httpStatus: 400, usage: { source: 'unknown' } });
    expectNothingHeld(rig);
  });

  it.each([
    ['whole', {}],
    ['streamed', { stream: true }],
  ])('is blocked, with its usage, where a filter stops an answer that came %s', async (_how, ask) => {
    await using simulator = await startSimulator({ faults: { contentFilter: 1 } });
    await using rig = await openRig();
    expect(await rig.transport.send(chatCall(simulator.url, { ask: { model: 'weak', ...ask } }))).toMatchObject({ httpStatus: 200, blocked: true });
    expect((await rig.row()).settlement).toMatchObject({ status: 'blocked', httpStatus: 200, finishReason: 'content_filter', usage: { source: 'reported' } });
  });

  it.each<[what: string, faults: FaultRates, ask: object, status: CallStatus, httpStatus: number | null, code: string]>([
    ['an error answer', { error500: 1 }, {}, 'http_error', 500, 'call_failed'],
    ['a whole body cut short', { cut: 1 }, {}, 'cut', 200, 'network'],
    ['a stream cut short', { cut: 1 }, { stream: true }, 'cut', 200, 'network'],
    ['a body that is not JSON', { malformed: 1 }, {}, 'malformed', 200, 'malformed'],
    ['a stream with an event that is not JSON', { malformed: 1 }, { stream: true }, 'malformed', 200, 'malformed'],
    ['a connection reset before the head', { reset: 1 }, {}, 'network_error', null, 'network'],
  ])('is told for %s, with no usage made up', async (_what, faults, ask, status, httpStatus, code) => {
    await using simulator = await startSimulator({ faults });
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(simulator.url, { ...once, ask: { model: 'weak', ...ask } }))).rejects.toMatchObject({ code, status, httpStatus, tries: 1, deployment: DEPLOYMENT });
    const { settlement } = await rig.row();
    expect(settlement).toMatchObject({ status, httpStatus, usage: { source: 'unknown' }, costUsd: null });
    expect(settlement?.error).toBeTypeOf('string');
    expectNothingHeld(rig);
  });

  it('is cut where a stream ends in silence', async () => {
    await using server = await serve(stream(streamOf('half an ans').slice(0, 1)));
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url, streamed))).rejects.toMatchObject({ status: 'cut' });
    expect((await rig.row()).settlement).toMatchObject({ status: 'cut', httpStatus: 200, usage: { source: 'unknown' } });
  });

  it('is rate_limited for a 429', async () => {
    await using simulator = await startSimulator({ limits: { kind: 'fixed-window', rpm: 1 } });
    await using rig = await openRig();
    await rig.transport.send(chatCall(simulator.url, { ...once, ask: { model: 'echo' } }));
    await expect(rig.transport.send(chatCall(simulator.url, { ...once, ask: { model: 'echo' } }))).rejects.toMatchObject({ code: 'rate_limited', status: 'rate_limited', httpStatus: 429 });
    expect(await rig.statuses()).toEqual(['ok', 'rate_limited']);
    expect(rig.stats()).toMatchObject({ in_flight: 0, waiting: 0, limited_count: 1 });
  });

  it('is timeout where no whole answer comes in time', async () => {
    const clock = new VirtualClock();
    await using simulator = await startSimulator({ faults: { timeout: 1 } });
    await using rig = await openRig({ clock });
    const failure = rig.transport.send(chatCall(simulator.url, { ...once, timeoutMs: 5_000, ask: { model: 'weak' } })).catch((error: unknown) => error);
    await expect.poll(() => simulator.stats().requests.hung).toBe(1);
    await clock.advance(5_000);
    expect(await failure).toMatchObject({ code: 'timeout', status: 'timeout', httpStatus: null });
    expect((await rig.row()).settlement).toMatchObject({ status: 'timeout', httpStatus: null, totalMs: 5_000 });
    expectNothingHeld(rig);
  });

  it('is timeout where a stream stops half way', async () => {
    const clock = new VirtualClock();
    const [first = ''] = streamOf('half');
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(first);
    });
    await using rig = await openRig({ clock });
    const failure = rig.transport.send(chatCall(server.url, { ...streamed, timeoutMs: 5_000 })).catch((error: unknown) => error);
    await expect.poll(() => server.received.length).toBe(1);
    await expect.poll(() => clock.pending).toBe(1);
    await clock.advance(5_000);
    expect(await failure).toMatchObject({ status: 'timeout', httpStatus: 200 });
    expect((await rig.row()).settlement).toMatchObject({ status: 'timeout', usage: { source: 'unknown' } });
  });

  it('is network_error where nobody listens, with the reason, at no cost to the limits', async () => {
    await using rig = await openRig();
    // By name the machine has two addresses, and both refuse.
    await expect(rig.transport.send(chatCall(`http://localhost:${await closedPort()}`, once))).rejects.toMatchObject({ code: 'network', status: 'network_error' });
    expect((await rig.row()).settlement).toMatchObject({ status: 'network_error', httpStatus: null, error: expect.stringContaining('ECONNREFUSED') });
    expect(rig.stats()).toMatchObject({ in_flight: 0, waiting: 0, cumulative_tokens: 0 });
  });

  it('is network_error where the connection closes before the head', async () => {
    await using server = await listen((request) => void request.socket.destroy());
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url, once))).rejects.toMatchObject({ status: 'network_error' });
    expect((await rig.row()).settlement).toMatchObject({ status: 'network_error', httpStatus: null });
  });

  it('is http_error for a redirect, which is not followed, and says where it leads without its query', async () => {
    await using server = await serve(answer(301, '', { location: 'https://user:pass@elsewhere.example/v1?key=k-123456' }));
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url))).rejects.toMatchObject({ status: 'http_error', httpStatus: 301, tries: 1 });
    const { settlement } = await rig.row();
    expect(settlement?.error).toContain('https://elsewhere.example/v1');
    expect(settlement?.error).not.toMatch(/pass|k-123456/);
  });
});

describe('an aborted call', () => {
  it('leaves no row where it was aborted before it was sent', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url, { signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'cancelled' });
    expect(await rig.rows()).toEqual([]);
    expect(server.received).toEqual([]);
    expectNothingHeld(rig);
  });

  it('leaves no row where it was aborted while it waited for admission', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig({ limits: { concurrency: 1 } });
    const place = await rig.limiter.admit({ deployment: DEPLOYMENT, promptTokens: 1, maxOutputTokens: 1 });
    const abort = new AbortController();
    const pending = rig.transport.send(chatCall(server.url, { signal: abort.signal }));
    await expect.poll(() => rig.stats().waiting).toBe(1);
    abort.abort();
    await expect(pending).rejects.toMatchObject({ code: 'cancelled' });
    place.release();
    expect(await rig.rows()).toEqual([]);
    expectNothingHeld(rig);
  });

  it('is aborted in the ledger, and free of charge, where it was aborted after its intent and before it left', async () => {
    await using server = await serve(answer(200, completion('hi')));
    const abort = new AbortController();
    await using rig = await openRig({
      writing: (store) => ({
        write: async (...ops) => {
          await store.write(...ops);
          abort.abort();
        },
      }),
    });
    await expect(rig.transport.send(chatCall(server.url, { signal: abort.signal }))).rejects.toMatchObject({ code: 'cancelled' });
    expect((await rig.row()).settlement).toMatchObject({ status: 'aborted', httpStatus: null, usage: { source: 'unknown' } });
    expect(server.received).toEqual([]);
    expect(rig.stats()).toMatchObject({ in_flight: 0, waiting: 0, cumulative_tokens: 0 });
  });

  const hanging: Handler = () => undefined;
  const stalling: Handler = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(streamOf('half')[0]);
  };

  it.each([
    ['before its head', hanging],
    ['in its stream', stalling],
  ])('is aborted in the ledger, and not tried again, where it was aborted in flight %s', async (_where, handler) => {
    await using server = await serve(handler);
    await using rig = await openRig();
    const abort = new AbortController();
    const pending = rig.transport.send(chatCall(server.url, { signal: abort.signal, ask: { stream: true } }));
    await expect.poll(() => server.received.length).toBe(1);
    abort.abort();
    await expect(pending).rejects.toMatchObject({ code: 'cancelled' });
    expect((await rig.row()).settlement).toMatchObject({ status: 'aborted', usage: { source: 'unknown' } });
    expectNothingHeld(rig);
  });

  it('is aborted, and not tried again, where transport is closed', async () => {
    await using server = await serve(hanging);
    await using rig = await openRig();
    const failure = rig.transport.send(chatCall(server.url)).catch((error: unknown) => error);
    await expect.poll(() => server.received.length).toBe(1);
    await rig.transport.close();
    expect(await failure).toMatchObject({ code: 'cancelled' });
    expect(await rig.statuses()).toEqual(['aborted']);
    await expect(rig.transport.send(chatCall(server.url))).rejects.toMatchObject({ code: 'cancelled' });
    expect(await rig.rows()).toHaveLength(1);
    expectNothingHeld(rig);
  });

  it('ends its wait for the next try', async () => {
    const clock = new VirtualClock();
    await using server = await serve(answer(503, { error: { message: 'later' } }, { 'retry-after': '60' }));
    await using rig = await openRig({ clock });
    const abort = new AbortController();
    const pending = rig.transport.send(chatCall(server.url, { signal: abort.signal, retry: { ...NO_RETRY, tries: 3 } }));
    await expect.poll(async () => (await rig.statuses())[0]).toBe('http_error');
    abort.abort();
    await expect(pending).rejects.toMatchObject({ code: 'cancelled' });
    expect(await rig.rows()).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});
