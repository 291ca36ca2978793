import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openTappedRig } from '../testing/node-http-rig.ts';
import { answer, completion, listen, serve, type Server, USAGE } from '../testing/server.ts';

const PATH = '/v1/chat/completions';
const ASK = JSON.stringify({ model: 'any-model', messages: [{ role: 'user', content: 'grüße 👋 to you' }] });

/** Every way to give a request its body. */
const WAYS: Readonly<Record<string, (call: ClientRequest) => unknown>> = {
  'one string': (call) => call.end(ASK),
  'one buffer': (call) => call.end(Buffer.from(ASK)),
  'bytes that are no Buffer': (call) => call.end(new TextEncoder().encode(ASK)),
  'a string and its encoding': (call) => call.end(Buffer.from(ASK).toString('base64'), 'base64'),
  'a string and a callback': (call) => call.end(ASK, () => undefined),
  'a string, its encoding and a callback': (call) => call.end(Buffer.from(ASK).toString('hex'), 'hex', () => undefined),
  'pieces, with and without encoding': (call) => {
    call.write(ASK.slice(0, 5));
    call.write(Buffer.from(ASK.slice(5, 9)).toString('base64'), 'base64');
    call.write(Buffer.from(ASK.slice(9)), () => call.end());
  },
  'pieces cut inside a character': (call) => {
    const bytes = Buffer.from(ASK);
    const cut = bytes.indexOf(Buffer.from('ü')) + 1;
    call.write(bytes.subarray(0, cut));
    call.end(bytes.subarray(cut));
  },
  'pieces and a callback alone': (call) => {
    call.write(ASK);
    call.end(() => undefined);
  },
  'a buffer that is used again': (call) => {
    const buffer = Buffer.from(ASK);
    call.write(buffer, () => {
      buffer.fill(0);
      call.end();
    });
  },
  'a stream piped in': (call) => Readable.from([ASK.slice(0, 20), ASK.slice(20)]).pipe(call),
  'a pipeline': (call) => pipeline(Readable.from([Buffer.from(ASK)]), call),
  'corked writes': (call) => {
    call.cork();
    call.write(ASK.slice(0, 7));
    call.write(ASK.slice(7));
    call.uncork();
    call.end();
  },
  'a head sent ahead': (call) => {
    call.flushHeaders();
    call.end(ASK);
  },
};

async function answerOf(call: ClientRequest): Promise<string> {
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return Buffer.concat(await response.toArray() as Buffer[]).toString();
}

function closed(call: ClientRequest): Promise<unknown> {
  return new Promise((resolve) => call.once('close', resolve));
}

describe('a request to a model over node:http', () => {
  it.each(Object.entries(WAYS))('is read when its body is %s, and arrives as it was', async (_name, give) => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const call = request(server.url + PATH, { method: 'POST', headers: { 'content-type': 'application/json' } });
    void give(call);
    expect(JSON.parse(await answerOf(call))).toEqual(completion('hello'));
    await rig.tap.settled();
    expect(server.received.map(({ body }) => body)).toEqual([ASK]);
    const { intent, settlement } = await rig.row();
    expect(intent).toMatchObject({ via: 'node-http', protocol: 'openai-chat', modelAsked: 'any-model', deployment: `compat/127.0.0.1:${server.port}/any-model`, stream: false, retry: 0, waitedMs: 0 });
    expect(settlement).toMatchObject({ status: 'ok', httpStatus: 200, modelAnswered: 'any-model-2026', usage: { inputFresh: USAGE.prompt_tokens, outputText: USAGE.completion_tokens, source: 'reported' } });
    expect(settlement!.totalMs).toBeGreaterThanOrEqual(0);
    expect(rig.failures).toEqual([]);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('is read when its body is compressed with %s', async (coding, compress) => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const call = request(server.url + PATH, { method: 'POST', headers: { 'content-encoding': coding } }).end(compress(Buffer.from(ASK)));
    await answerOf(call);
    await rig.tap.settled();
    expect((await rig.row()).intent.modelAsked).toBe('any-model');
  });

  it.each([
    ['no JSON', 'nonsense', {}],
    ['nothing', '', {}],
    ['compressed in a way nobody knows', ASK, { 'content-encoding': 'rot13' }],
    ['compressed wrongly', ASK, { 'content-encoding': 'gzip' }],
  ])('is a call all the same when its body is %s', async (_name, body, headers) => {
    await using server = await listenAnyhow();
    await using rig = await openTappedRig();
    await answerOf(request(server.url + PATH, { method: 'POST', headers }).end(body));
    await rig.tap.settled();
    const { intent, settlement } = await rig.row();
    expect(intent).toMatchObject({ modelAsked: null, deployment: `compat/127.0.0.1:${server.port}/unknown` });
    expect(settlement?.status).toBe('ok');
  });

  it('is known by headers that were given as a list, and by an SDK’s own retry count', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const call = request(server.url + PATH, { method: 'POST', headers: ['Host', `127.0.0.1:${server.port}`, 'X-Stainless-Retry-Count', '2', 'Content-Type', 'application/json'] as never });
    await answerOf(call.end(ASK));
    await rig.tap.settled();
    expect((await rig.row()).intent).toMatchObject({ retry: 2, modelAsked: 'any-model', deployment: `compat/127.0.0.1:${server.port}/any-model` });
  });

  it('waits for `100 Continue` as before', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const call = request(server.url + PATH, { method: 'POST', headers: { expect: '100-continue' } });
    call.flushHeaders();
    await once(call, 'continue');
    expect(await rig.rows()).toEqual([]);
    await answerOf(call.end(ASK));
    await rig.tap.settled();
    expect((await rig.row()).settlement?.status).toBe('ok');
  });

  it('throws what Node throws for a body that cannot be sent', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const call = request(server.url + PATH, { method: 'POST' });
    call.on('error', () => undefined);
    expect(() => call.write(7)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    expect(() => call.end(7)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    call.destroy();
    await closed(call);
    await rig.tap.settled();
    expect(rig.tap.inFlight).toBe(0);
    expect(await rig.rows()).toEqual([]);
  });

  it('is no call when it is given up before its body is whole', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const call = request(server.url + PATH, { method: 'POST' });
    call.on('error', () => undefined);
    call.write(ASK.slice(0, 10));
    call.destroy();
    await closed(call);
    await rig.tap.settled();
    expect(await rig.rows()).toEqual([]);
  });

  it('is a call when it is answered before its body is whole', async () => {
    await using rig = await openTappedRig();
    await using server = await refuseEarly();
    const call = request(server.url + PATH, { method: 'POST' });
    call.on('error', () => undefined);
    call.write(ASK.slice(0, 10));
    expect(JSON.parse(await answerOf(call))).toEqual({ error: { message: 'too large' } });
    call.destroy();
    await rig.tap.settled();
    expect((await rig.row()).settlement).toMatchObject({ status: 'http_error', httpStatus: 413 });
  });
});

/** Answers whatever it is asked. */
function listenAnyhow(): Promise<Server> {
  return listen((incoming, response) => void incoming.resume().on('end', () => response.setHeader('content-type', 'application/json').end(JSON.stringify(completion('hello')))));
}

/** Answers at the first byte of a body. */
function refuseEarly(): Promise<Server> {
  return listen((incoming, response) => void incoming.once('data', () => response.writeHead(413, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message: 'too large' } }))));
}
