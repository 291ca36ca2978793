import { once } from 'node:events';
import { Agent } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../core/index.ts';
import { priceTable } from '../../ledger/index.ts';
import { Budget } from '../../limiter/index.ts';
import { closed, hanging, post, responseTo, STREAMED } from '../testing/node-http-client.ts';
import { openTappedRig } from '../testing/node-http-rig.ts';
import { answer, closedPort, completion, listen, serve, stream, streamOf, type Handler } from '../testing/server.ts';

/** A server that speaks no clean HTTP. */
async function serveRaw(speak: (socket: Socket) => void): Promise<AsyncDisposable & { readonly url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', () => speak(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

describe('a call whose connection fails', () => {
  it('to be made never left, and costs nothing', async () => {
    const budget = new Budget({ tokens: 1_000_000 });
    await using rig = await openTappedRig({ tap: { budgets: [budget] } });
    const port = await closedPort();
    const call = post(`http://127.0.0.1:${port}`);
    await closed(call);
    expect(await rig.fate()).toBe('network_error');
    expect((await rig.row()).settlement?.error).toMatch(/ECONNREFUSED/);
    expect(budget.used).toEqual({ calls: 1, tokens: 0, usd: 0 });
  });

  it.each([
    ['before the head', '', 'network_error'],
    ['inside the head', 'HTTP/1.1 200 OK\r\ncontent-le', 'network_error'],
    ['by speaking no HTTP', 'SMTP ready\r\n\r\n', 'network_error'],
    ['before the announced length', 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"model":', 'cut'],
    ['before the last chunk', `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:\r\n`, 'cut'],
    ['by a chunk that is none', `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nwhat`, 'cut'],
  ])('%s is told so', async (_name, said, status) => {
    await using server = await serveRaw((socket) => socket.end(said));
    await using rig = await openTappedRig();
    const call = post(server.url, {}, STREAMED);
    call.on('response', (response) => response.on('error', () => undefined).resume());
    await closed(call);
    expect(await rig.fate()).toBe(status);
  });

  it('in the middle of a compressed answer is cut, and read as far as it came', async () => {
    const whole = gzipSync(Buffer.from(streamOf('hello '.repeat(2_000)).join('')));
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      response.write(whole.subarray(0, whole.length - 20), () => response.destroy());
    });
    await using rig = await openTappedRig();
    const response = await responseTo(post(server.url, {}, STREAMED));
    response.resume();
    await closed(response);
    expect(await rig.fate()).toBe('cut');
    expect((await rig.row()).settlement?.modelAnswered).toBe('any-model-2026');
  });

  it('because its server is gone between two calls on one connection is a network error', async () => {
    const agent = new Agent({ keepAlive: true });
    await using rig = await openTappedRig();
    let calls = 0;
    await using server = await listen((incoming, response) => {
      calls += 1;
      if (calls === 2) return void incoming.socket.destroy();
      incoming.resume().on('end', () => void answer(200, completion('hello'))(response, {} as never, 0));
    });
    const first = post(server.url, { agent });
    (await responseTo(first)).resume();
    await closed(first);
    const second = post(server.url, { agent });
    await closed(second);
    agent.destroy();
    await rig.tap.settled();
    expect(await rig.statuses()).toEqual(['ok', 'network_error']);
  });
});

describe('a call that is answered', () => {
  it.each([
    ['429', answer(429, { error: { message: 'slow down', code: 'rate_limit_exceeded' } }, { 'retry-after': '7' }), 'rate_limited'],
    ['400', answer(400, { error: { message: 'bad', type: 'invalid_request_error' } }), 'http_error'],
    ['500', answer(500, 'oops'), 'http_error'],
    ['a content filter', answer(400, { error: { code: 'content_filter', message: 'no' } }), 'blocked'],
    ['what is no JSON', answer(200, 'oops'), 'malformed'],
    ['an error told in a stream', stream([`data: {"error":{"message":"overloaded","code":503}}\n\n`]), 'http_error'],
  ] satisfies [string, Handler, string][])('with %s has its fate', async (_name, handler, status) => {
    await using server = await serve(handler);
    await using rig = await openTappedRig();
    const call = post(server.url, {}, STREAMED);
    (await responseTo(call)).resume();
    await closed(call);
    expect(await rig.fate()).toBe(status);
  });

  it('after which its deployment is limited holds transport’s own calls back', async () => {
    await using server = await serve(answer(429, { error: { message: 'slow down' } }, { 'retry-after': '30' }));
    await using rig = await openTappedRig();
    const call = post(server.url);
    (await responseTo(call)).resume();
    await closed(call);
    await rig.tap.settled();
    const stats = rig.limiter.statsOf(`compat/127.0.0.1:${server.port}/any-model`);
    expect(stats.limited_count).toBe(1);
    expect(stats.paused_until).toBeGreaterThan(Date.now() + 20_000);
  });

  it('in a stream that does not say what it used is estimated, and charged to limiter and budgets', async () => {
    const [hello, stop, , done] = streamOf('hello to everybody') as [string, string, string, string];
    await using server = await serve(stream([hello, stop, done]));
    const budget = new Budget({ calls: 10 });
    await using rig = await openTappedRig({ limits: { tpm: 1_000_000 }, tap: { budgets: [budget] } });
    const call = post(server.url, {}, STREAMED);
    (await responseTo(call)).resume();
    await closed(call);
    expect(await rig.fate()).toBe('ok');
    const { usage } = (await rig.row()).settlement!;
    expect(usage).toMatchObject({ source: 'estimated', outputText: 3 });
    expect(server.received[0]!.json).toEqual(STREAMED);
    const used = usage.inputFresh! + usage.outputText!;
    expect(budget.used).toEqual({ calls: 1, tokens: used, usd: 0 });
    expect(rig.limiter.statsOf(`compat/127.0.0.1:${server.port}/any-model`).cumulative_tokens).toBe(used);
  });

  it('while the process ends is aborted', async () => {
    await using server = await serve(hanging(streamOf('hello')[0]!));
    await using rig = await openTappedRig();
    const response = await responseTo(post(server.url, {}, STREAMED));
    await once(response, 'data');
    expect(rig.tap.inFlight).toBe(1);
    rig.tap.abandon();
    expect(rig.tap.inFlight).toBe(0);
    response.destroy();
    expect(await rig.fate()).toBe('aborted');
  });

  it('before its row is open is entered all the same', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using books = await openTappedRig();
    const opened = Promise.withResolvers<void>();
    const { limiter, ledger } = books;
    await using rig = await openTappedRig({
      tap: {
        meter: async () => {
          await opened.promise;
          return { limiter, ledger, clock: systemClock, prices: priceTable() };
        },
      },
    });
    const call = post(server.url);
    (await responseTo(call)).resume();
    await closed(call);
    expect(rig.tap.inFlight).toBe(0);
    opened.resolve();
    await rig.tap.settled();
    const { intent, settlement } = await books.row();
    expect(settlement).toMatchObject({ status: 'ok', usage: { source: 'reported' } });
    expect(intent.sentAt).toBeLessThanOrEqual(Date.now());
  });

  it('while the books fail goes on, and the failure is told', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig({ tap: { meter: () => Promise.reject(new Error('no store')) } });
    const call = post(server.url);
    const response = await responseTo(call);
    expect(JSON.parse(Buffer.concat((await response.toArray()) as Buffer[]).toString())).toEqual(completion('hello'));
    await rig.tap.settled();
    expect(rig.failures).toEqual([expect.objectContaining({ message: 'no store' })]);
    expect(rig.tap.inFlight).toBe(0);
  });
});
