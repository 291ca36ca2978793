import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../core/index.ts';
import { startSimulator } from '../simulator/index.ts';
import { DEFAULT_RETRY, NO_RETRY } from './retry.ts';
import { chatCall, DEPLOYMENT, openRig, QUICK_RETRY } from './testing/rig.ts';
import { answer, completion, event, serve, stream, streamOf, type Handler } from './testing/server.ts';

const said = (message: string, part: object = {}): object => ({ error: { message, ...part } });

describe('retries', () => {
  it('are one layer: each try is a row of the same logical call, numbered from 0', async () => {
    await using server = await serve(answer(500, said('one')), answer(503, said('two')), answer(200, completion('hi')));
    await using rig = await openRig();
    expect(await rig.transport.send(chatCall(server.url))).toMatchObject({ httpStatus: 200 });
    const rows = await rig.rows();
    expect(rows.map(({ intent, settlement }) => [intent.retry, settlement?.status, settlement?.httpStatus])).toEqual([
      [0, 'http_error', 500],
      [1, 'http_error', 503],
      [2, 'ok', 200],
    ]);
    expect(new Set(rows.map(({ intent }) => intent.logicalId)).size).toBe(1);
    expect(new Set(rows.map(({ intent }) => intent.id)).size).toBe(3);
  });

  it('end after the last try, and say how many there were', async () => {
    await using server = await serve(answer(500, said('still broken')));
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url))).rejects.toMatchObject({
      code: 'call_failed',
      tries: 4,
      message: expect.stringMatching(/still broken.*after 4 tries/),
    });
    expect(await rig.rows()).toHaveLength(4);
  });

  it.each([400, 401, 403, 404, 413, 422])('are not made after HTTP %i', async (status) => {
    await using server = await serve(answer(status, said('never')));
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url))).rejects.toMatchObject({ httpStatus: status, tries: 1 });
    expect(server.received).toHaveLength(1);
  });

  it('are not made where the account has no credit left, though the answer is a 429', async () => {
    await using server = await serve(answer(429, said('You exceeded your current quota', { type: 'insufficient_quota', code: 'insufficient_quota' })));
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url))).rejects.toMatchObject({ code: 'rate_limited', tries: 1, hint: expect.stringMatching(/billing/) });
    expect(await rig.statuses()).toEqual(['rate_limited']);
  });

  it.each([
    ['retry-after', '7', 7_000, 429],
    ['retry-after-ms', '2500', 2_500, 429],
    ['retry-after', '7', 7_000, 503],
  ])('wait as long as %s: %s asks', async (header, value, waitMs, status) => {
    const clock = new VirtualClock();
    await using server = await serve(answer(status, said('later'), { [header]: value }), answer(200, completion('hi')));
    await using rig = await openRig({ clock });
    const pending = rig.transport.send(chatCall(server.url, { retry: DEFAULT_RETRY }));
    await expect.poll(async () => (await rig.statuses())[0]).toBeTypeOf('string');
    await clock.advance(waitMs - 1);
    expect(server.received).toHaveLength(1);
    await clock.advance(1);
    // A limiter that was told to pause looks again a little later.
    await expect.poll(() => clock.advance(10).then(() => server.received.length)).toBe(2);
    expect(await pending).toMatchObject({ httpStatus: 200 });
  });

  it('end at once where the wait asked for outlasts the deadline', async () => {
    await using server = await serve(answer(429, said('tomorrow'), { 'retry-after': '36000' }));
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url, { retry: DEFAULT_RETRY }))).rejects.toMatchObject({ code: 'rate_limited', tries: 1, message: expect.stringContaining('deadline') });
  });

  it('are as few as the deadline allows', async () => {
    const clock = new VirtualClock();
    await using server = await serve(answer(503, said('later'), { 'retry-after': '50' }));
    await using rig = await openRig({ clock });
    const failure = rig.transport.send(chatCall(server.url, { retry: DEFAULT_RETRY })).catch((error: unknown) => error);
    for (const tries of [1, 2]) {
      await expect.poll(async () => (await rig.statuses()).filter((status) => status !== undefined).length).toBe(tries);
      await clock.advance(50_000);
    }
    expect(await failure).toMatchObject({ code: 'call_failed', tries: 3, message: expect.stringContaining('deadline') });
  });

  it('draw new faults of a simulator, and only for what it served', async () => {
    await using simulator = await startSimulator({ seed: 5, faults: { error500: 0.5 } });
    await using rig = await openRig();
    const call = chatCall(simulator.url, { simulated: true, retry: { ...QUICK_RETRY, tries: 12 }, ask: { model: 'weak' } });
    const given = await rig.transport.send(call);
    const log = simulator.log();
    expect(log.map(({ call: id }) => id)).toEqual((await rig.rows()).map(({ intent }) => intent.id));
    expect(log.map(({ retry }) => retry)).toEqual(log.map((_, i) => i));
    expect(log.at(-1)?.call).toBe(given.callId);
  });

  describe('of an error told inside a 200', () => {
    it.each([
      ['an OpenRouter body with a 5xx code', answer(200, said('Provider returned error', { code: 502 })), 'http_error'],
      ['an OpenRouter body with a 429 code', answer(200, said('slow down', { code: 429 }), { 'retry-after-ms': '1' }), 'rate_limited'],
      ['a chat stream', stream([...streamOf('half').slice(0, 1), event(said('The server had an error', { type: 'server_error' }))]), 'http_error'],
    ])('are made: %s', async (_what, handler, status) => {
      await using server = await serve(handler, answer(200, completion('hi')));
      await using rig = await openRig();
      await rig.transport.send(chatCall(server.url, { ask: { stream: true } }));
      expect(await rig.statuses()).toEqual([status, 'ok']);
    });

    it("are made: Anthropic's overloaded_error in a stream", async () => {
      const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
      const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'hi' }], stop_reason: 'end_turn', usage: { input_tokens: 3, output_tokens: 1 } };
      await using server = await serve(stream([`event: error\ndata: ${JSON.stringify(overloaded)}\n\n`]), answer(200, message));
      await using rig = await openRig();
      await rig.transport.send({ ...chatCall(server.url, { ask: { stream: true, max_tokens: 9 } }), url: `${server.url}/v1/messages` });
      expect(await rig.statuses()).toEqual(['http_error', 'ok']);
    });

    it('are not made where the error is a mistake of the caller', async () => {
      await using server = await serve(answer(200, said('no such parameter', { type: 'invalid_request_error' })));
      await using rig = await openRig();
      await expect(rig.transport.send(chatCall(server.url))).rejects.toMatchObject({ tries: 1, httpStatus: 200 });
    });
  });

  it('are not made of a call whose connection can never be made', async () => {
    const refusal = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    await using server = await serve(answer(200, completion('hi')));
    const { MockAgent } = await import('undici');
    const agent = new MockAgent();
    agent.disableNetConnect();
    agent.get(server.url).intercept({ path: '/v1/chat/completions', method: 'POST' }).replyWithError(refusal).persist();
    await using rig = await openRig({ dispatcher: agent });
    await expect(rig.transport.send(chatCall(server.url))).rejects.toMatchObject({ code: 'network', tries: 1 });
    expect(rig.stats().cumulative_tokens).toBe(0);
  });

  it('go before calls that have not left yet', async () => {
    const order: unknown[] = [];
    await using rig = await openRig({ limits: { concurrency: 1 } });
    const ordered =
      (handler: Handler): Handler =>
      (response, request, index) => {
        order.push(request.json['user']);
        return handler(response, request, index);
      };
    await using server = await serve(
      ordered(answer(500, said('again'))),
      ordered(async (response, request, index) => {
        // Answered when the first is back in line, behind the third.
        while (rig.stats().waiting < 2) await new Promise((resolve) => setImmediate(resolve));
        await answer(200, completion('hi'))(response, request, index);
      }),
      ordered(answer(200, completion('hi'))),
    );
    const calls = ['first', 'second', 'third'].map((user) => rig.transport.send(chatCall(server.url, { ask: { user } })));
    await Promise.all(calls);
    expect(order).toEqual(['first', 'second', 'first', 'third']);
  });
});

describe('the circuit breaker', () => {
  it('keeps a deployment from being asked what it keeps refusing, without a row', async () => {
    await using server = await serve(answer(401, said('bad key')));
    await using rig = await openRig();
    for (let i = 0; i < 3; i++) await expect(rig.transport.send(chatCall(server.url))).rejects.toMatchObject({ httpStatus: 401 });
    await expect(rig.transport.send(chatCall(server.url))).rejects.toMatchObject({ code: 'circuit_open', status: 'not_sent', tries: 0, message: expect.stringContaining('bad key') });
    expect(server.received).toHaveLength(3);
    expect(await rig.rows()).toHaveLength(3);
    // Another deployment is not affected.
    await expect(rig.transport.send(chatCall(server.url, { deployment: 'compat/there/m' }))).rejects.toMatchObject({ httpStatus: 401 });
  });
});

describe('a deployment that stays shut for longer than calls may wait', () => {
  it('ends calls that wait for it, and those that come later, as rate limited', async () => {
    const clock = new VirtualClock();
    await using server = await serve(answer(429, said('tomorrow'), { 'retry-after': '36000' }));
    await using rig = await openRig({ clock, limits: { concurrency: 1 } });
    const calls = Array.from({ length: 3 }, () => rig.transport.send(chatCall(server.url, { retry: DEFAULT_RETRY })));
    const ended = await Promise.allSettled(calls);
    expect(ended.map((end) => (end.status === 'rejected' ? (end.reason as { readonly code?: unknown }).code : 'answered'))).toEqual(['rate_limited', 'rate_limited', 'rate_limited']);
    await expect(rig.transport.send(chatCall(server.url, { retry: DEFAULT_RETRY }))).rejects.toMatchObject({ code: 'rate_limited', status: 'not_sent', tries: 0, deployment: DEPLOYMENT });
    expect(await rig.statuses()).toEqual(['rate_limited']);
    expect(rig.stats()).toMatchObject({ in_flight: 0, waiting: 0 });
  });

  it('is asked again when its time is up', async () => {
    const clock = new VirtualClock();
    await using server = await serve(answer(429, said('later'), { 'retry-after': '600' }), answer(200, completion('hi')));
    await using rig = await openRig({ clock });
    await expect(rig.transport.send(chatCall(server.url, { retry: NO_RETRY }))).rejects.toMatchObject({ code: 'rate_limited' });
    await clock.advance(500_000);
    const pending = rig.transport.send(chatCall(server.url, { retry: DEFAULT_RETRY }));
    await expect.poll(() => rig.stats().waiting).toBe(1);
    await clock.advance(101_000);
    expect(await pending).toMatchObject({ httpStatus: 200 });
  });
});
