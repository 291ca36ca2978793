import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { AssayError, UsageError } from '../core/index.ts';
import { Budget } from '../limiter/index.ts';
import { priceTable } from '../ledger/index.ts';
import type { Store } from '../store/index.ts';
import { answer, closedPort, completion, event, listen, serve, stream, streamOf, USAGE } from '../transport/testing/server.ts';
import { openAiAt, openGatewayRig, storeWith } from './testing/gateway-rig.ts';
import { call, chat } from './testing/wire.ts';

const PATH = '/v1/chat/completions';
const STREAM = streamOf('hello there');
const WITHOUT_USAGE = STREAM.filter((each) => !each.includes('"usage"')).join('');

describe('a call through the gateway', () => {
  it('is answered as the provider did, and is one row of the ledger', async () => {
    await using server = await serve(answer(200, completion('hi'), { 'x-request-id': 'req_7', 'x-own': 'kept', connection: 'x-hop', 'x-hop': 'dropped' }));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url, { provider: 'openai', account: 'me' })] });
    const body = '{"model": "any-model",   "messages":[{"role":"user","content":"Größe"}]}';
    const got = await call(rig.url + PATH, { body, headers: { authorization: 'Bearer sk-caller', 'x-custom': 'y', 'x-assay-thing': 'ours' } });
    expect(got).toMatchObject({ status: 200, json: completion('hi'), cut: false });
    expect(got.headers).toMatchObject({
      'content-type': 'application/json',
      'x-own': 'kept',
      'x-assay-deployment': 'openai/me/any-model',
      'x-assay-tokens-prompt': '11',
      'x-assay-tokens-completion': '5',
      'x-assay-tokens-total': '16',
    });
    expect(got.headers['x-hop']).toBeUndefined();
    expect(server.received).toHaveLength(1);
    expect(server.received[0]).toMatchObject({ method: 'POST', url: PATH, body });
    expect(server.received[0]!.headers).toMatchObject({ authorization: 'Bearer sk-caller', 'x-custom': 'y', host: `127.0.0.1:${server.port}` });
    expect(server.received[0]!.headers).not.toHaveProperty('x-assay-thing');
    const [row, ...others] = await rig.rows();
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      intent: { id: got.headers['x-assay-call'], via: 'gateway', deployment: 'openai/me/any-model', protocol: 'openai-chat', modelAsked: 'any-model', stream: false, target: null, retry: 0, waitedMs: Number(got.headers['x-assay-waited-ms']) },
      settlement: { status: 'ok', httpStatus: 200, requestId: 'req_7', usage: { inputFresh: 11, outputText: 5, source: 'reported' } },
    });
  });

  it('counts the retries of an SDK by their number', async () => {
    await using server = await serve(answer(500, { error: { message: 'oops' } }), answer(200, completion('hi')));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    expect((await call(rig.url + PATH, { body: chat(), headers: { 'x-stainless-retry-count': '0' } })).status).toBe(500);
    expect((await call(rig.url + PATH, { body: chat(), headers: { 'x-stainless-retry-count': '1' } })).status).toBe(200);
    expect((await rig.rows()).map(({ intent, settlement }) => [intent.retry, settlement?.status])).toEqual([
      [0, 'http_error'],
      [1, 'ok'],
    ]);
  });

  it.each([
    [429, { error: { message: 'slow down', code: 'rate_limit_exceeded' } }, 'rate_limited'],
    [400, { error: { message: 'filtered', code: 'content_filter' } }, 'blocked'],
    [401, { error: { message: 'bad key' } }, 'http_error'],
    [503, 'not json', 'http_error'],
    [200, 'not json', 'malformed'],
  ])('passes a %s through untouched, without a second try', async (status, body, fate) => {
    await using server = await serve(answer(status, body, { 'retry-after': '7', 'x-ratelimit-remaining-requests': '0' }));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const got = await call(rig.url + PATH, { body: chat() });
    expect(got).toMatchObject({ status, text: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'retry-after': '7', 'x-ratelimit-remaining-requests': '0' } });
    expect(server.received).toHaveLength(1);
    expect(await rig.statuses()).toEqual([fate]);
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
  ])('reads an answer that is compressed by %s, and hands it on as it came', async (encoding, compress) => {
    const bytes = compress(Buffer.from(JSON.stringify(completion('hi'))));
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding });
      response.end(bytes);
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const got = await call(rig.url + PATH, { body: chat(), headers: { 'accept-encoding': encoding } });
    expect(server.received[0]!.headers['accept-encoding']).toBe(encoding);
    expect(got.bytes).toEqual(bytes);
    expect(got.headers).toMatchObject({ 'content-encoding': encoding, 'content-length': String(bytes.length), 'x-assay-tokens-total': '16' });
    expect(await rig.statuses()).toEqual(['ok']);
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
  ])('reads a request that is compressed by %s, and sends it on as it came', async (encoding, compress) => {
    const bytes = compress(Buffer.from(JSON.stringify(chat({ model: 'inside' }))));
    let sent: Buffer | undefined;
    await using server = await listen((request, response) => {
      void buffer(request).then((body) => {
        sent = body;
        response.end(JSON.stringify(completion('hi')));
      });
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    await call(rig.url + PATH, { body: bytes, headers: { 'content-encoding': encoding } });
    expect(sent).toEqual(bytes);
    expect((await rig.rows())[0]!.intent.modelAsked).toBe('inside');
  });

  it('gives an answer that it cannot decode to the client all the same', async () => {
    await using server = await serve(answer(200, 'these are no such bytes', { 'content-encoding': 'gzip' }));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    expect((await call(rig.url + PATH, { body: chat() })).text).toBe('these are no such bytes');
    expect(await rig.statuses()).toEqual(['malformed']);
  });

  it('forwards an answer that is too long to be held, whole', async () => {
    const long = completion('x'.repeat(3_000_000));
    await using server = await serve(answer(200, long));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    expect((await call(rig.url + PATH, { body: chat() })).json).toEqual(long);
    expect((await rig.settled(1))[0]).toMatchObject({ settlement: { status: 'ok', usage: { inputFresh: 11 } } });
  });
});

describe('a stream through the gateway', () => {
  it('comes as the provider sent it where the caller asked for usage', async () => {
    await using server = await serve(stream(STREAM));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const body = JSON.stringify(chat({ stream: true, stream_options: { include_usage: true } }));
    const got = await call(rig.url + PATH, { body });
    expect(got).toMatchObject({ status: 200, text: STREAM.join(''), cut: false });
    expect(server.received[0]!.body).toBe(body);
    expect((await rig.settled(1))[0]).toMatchObject({ intent: { stream: true }, settlement: { status: 'ok', usage: { inputFresh: 11, outputText: 5, source: 'reported' } } });
  });

  it('asks for usage where the caller did not, and keeps that to itself', async () => {
    await using server = await serve(stream(STREAM));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const got = await call(rig.url + PATH, { body: chat({ stream: true }), headers: { 'accept-encoding': 'gzip' } });
    expect(got.text).toBe(WITHOUT_USAGE);
    expect(server.received[0]!.json).toMatchObject({ stream_options: { include_usage: true } });
    expect(server.received[0]!.headers['accept-encoding']).toBe('identity');
    expect((await rig.settled(1))[0]!.settlement?.usage).toMatchObject({ inputFresh: 11, source: 'reported' });
  });

  it('takes the usage out even where the provider compresses what it was asked not to', async () => {
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      response.end(gzipSync(Buffer.from(STREAM.join(''))));
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const got = await call(rig.url + PATH, { body: chat({ stream: true }) });
    expect(got.text).toBe(WITHOUT_USAGE);
    expect(got.headers['content-encoding']).toBeUndefined();
    expect(await rig.statuses()).toEqual(['ok']);
  });

  it('comes event by event, each as soon as it is there', async () => {
    let goOn = (): void => {};
    await using server = await serve(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const each of STREAM) {
        response.write(each);
        await new Promise<void>((resolve) => (goOn = resolve));
      }
      response.end();
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const response = await fetch(rig.url + PATH, { method: 'POST', body: JSON.stringify(chat({ stream: true, stream_options: { include_usage: true } })) });
    const seen: string[] = [];
    for await (const chunk of response.body!) {
      seen.push(new TextDecoder().decode(chunk));
      // The provider sends the next one only now.
      goOn();
    }
    expect(seen).toEqual(STREAM);
  });

  it("gives the head on before the first event, and the call's figures in trailers to those who take them", async () => {
    await using server = await serve(stream(STREAM));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const body = chat({ stream: true, stream_options: { include_usage: true } });
    const got = await call(rig.url + PATH, { body, headers: { te: 'trailers' } });
    expect(got.headers).toHaveProperty('x-assay-call');
    expect(got.headers).not.toHaveProperty('x-assay-tokens-total');
    expect(got.trailers).toEqual({ 'x-assay-tokens-prompt': '11', 'x-assay-tokens-completion': '5', 'x-assay-tokens-total': '16' });
    expect(server.received[0]!.headers).not.toHaveProperty('te');
    expect((await call(rig.url + PATH, { body })).trailers).toEqual({});
  });

  it('that the provider breaks off is broken off for the client too, after what came', async () => {
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(STREAM[0], () => response.destroy());
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const got = await call(rig.url + PATH, { body: chat({ stream: true, stream_options: { include_usage: true } }) });
    expect(got).toMatchObject({ status: 200, text: STREAM[0], cut: true });
    expect((await rig.settled(1))[0]!.settlement).toMatchObject({ status: 'cut', usage: { source: 'unknown' } });
  });

  it('that carries an error is passed on, and counted as failed', async () => {
    const events = [STREAM[0]!, event({ error: { message: 'overloaded', code: 503 } })];
    await using server = await serve(stream(events));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    expect((await call(rig.url + PATH, { body: chat({ stream: true }) })).text).toBe(events.join(''));
    expect((await rig.settled(1))[0]!.settlement?.status).toBe('http_error');
  });
});

describe('a provider that does not answer', () => {
  it('that cannot be reached gives a 502 that says so', async () => {
    const port = await closedPort();
    await using rig = await openGatewayRig({ upstreams: [openAiAt(`http://127.0.0.1:${port}`)] });
    const got = await call(rig.url + PATH, { body: chat() });
    expect(got).toMatchObject({ status: 502, headers: { 'x-assay-refused': 'upstream_failed' }, json: { error: { code: 'upstream_failed', type: 'api_error' } } });
    expect(got.text).toContain(`http://127.0.0.1:${port}`);
    expect(got.text).toContain('ECONNREFUSED');
    expect((await rig.rows())[0]!.settlement).toMatchObject({ status: 'network_error', httpStatus: null });
  });

  it('that is silent for too long gives a 504', async () => {
    await using server = await serve(() => undefined);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], idleTimeoutMs: 100 });
    expect(await call(rig.url + PATH, { body: chat() })).toMatchObject({ status: 504, json: { error: { code: 'upstream_timeout' } } });
    expect(await rig.statuses()).toEqual(['timeout']);
  });

  it('that breaks off in a whole answer is broken off from, and never gives a short one', async () => {
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"id":', () => response.destroy());
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    await expect(call(rig.url + PATH, { body: chat() })).rejects.toThrow('socket hang up');
    expect(await rig.statuses()).toEqual(['cut']);
  });

  it.each([
    ['a call that is counted', PATH, ['network_error']],
    ['a request that is not', '/v1/files', []],
  ])('that hangs up before it answers is hung up on: %s', async (_what, path, statuses) => {
    await using server = await serve((response) => void response.destroy());
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    await expect(call(rig.url + path, { body: chat() })).rejects.toThrow('socket hang up');
    expect(await rig.statuses()).toEqual(statuses);
    expect(rig.gateway.figures()).toMatchObject({ refused: 0, inFlight: 0 });
  });
});

describe('a call that may not leave', () => {
  const tokens = new Budget({ tokens: 10 });

  it.each([
    ['openai', PATH, chat({ max_tokens: 50 }), { error: { code: 'budget_exhausted', type: 'rate_limit_error', param: null } }],
    ['anthropic', '/v1/messages', chat({ max_tokens: 50 }), { type: 'error', error: { type: 'rate_limit_error', code: 'budget_exhausted' } }],
    ['gemini', '/v1beta/models/g:generateContent', { contents: [{ parts: [{ text: 'hello' }] }], generationConfig: { maxOutputTokens: 50 } }, { error: { code: 429, status: 'RESOURCE_EXHAUSTED', details: [{ reason: 'BUDGET_EXHAUSTED' }] } }],
    ['ollama', '/api/chat', { model: 'm', messages: [{ role: 'user', content: 'hello' }], options: { num_predict: 50 } }, { code: 'budget_exhausted' }],
  ] as const)('is turned away at the budget, in the words of %s', async (kind, path, body, shape) => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openGatewayRig({ upstreams: [{ name: kind, kind, url: server.url + (kind === 'openai' ? '/v1' : '') }], unscoped: { budgets: [tokens] } });
    const got = await call(rig.url + path, { body });
    expect(got).toMatchObject({ status: 429, headers: { 'x-should-retry': 'false', 'x-assay-refused': 'budget_exhausted' }, json: shape });
    expect(got.text).toContain('budget of 10 tokens');
    expect(server.received).toEqual([]);
    expect(await rig.rows()).toEqual([]);
  });

  it('waits for its turn, and is told when to come back where that takes too long', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], limits: { rpm: 1 }, longestWaitMs: 50 });
    expect((await call(rig.url + PATH, { body: chat() })).status).toBe(200);
    const got = await call(rig.url + PATH, { body: chat() });
    expect(got).toMatchObject({ status: 429, headers: { 'retry-after': '1', 'x-assay-refused': 'rate_limited' }, json: { error: { code: 'rate_limited' } } });
    expect(got.headers).not.toHaveProperty('x-should-retry');
    expect(server.received).toHaveLength(1);
  });

  it('is told how long a pause of the provider lasts', async () => {
    await using server = await serve(answer(429, { error: { message: 'slow down' } }, { 'retry-after': '90' }));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], longestWaitMs: 1_000 });
    expect((await call(rig.url + PATH, { body: chat() })).status).toBe(429);
    const got = await call(rig.url + PATH, { body: chat() });
    expect(got).toMatchObject({ status: 429, headers: { 'x-assay-refused': 'rate_limited' } });
    expect(Number(got.headers['retry-after'])).toBeGreaterThan(80);
    expect(server.received).toHaveLength(1);
  });

  it('is turned away when the quota is used up, and told how much of it is while there is some', async () => {
    await using server = await serve(answer(200, completion('hi')));
    const quota = { tokens: 64, period: 'day', alerts: [], onExhausted: 'stop' } as const;
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], limits: { quota } });
    const body = chat({ max_tokens: 20 });
    expect((await call(rig.url + PATH, { body })).headers['x-assay-quota-percentage']).toBe('0.00');
    expect((await call(rig.url + PATH, { body })).headers['x-assay-quota-percentage']).toBe('25.00');
    expect(await call(rig.url + PATH, { body: chat({ max_tokens: 60 }) })).toMatchObject({ status: 429, headers: { 'x-should-retry': 'false' }, json: { error: { code: 'quota_exhausted' } } });
  });

  it('is turned away where it can never fit', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], limits: { tpm: 100, counts: 'reserved' } });
    expect(await call(rig.url + PATH, { body: chat({ max_tokens: 500 }) })).toMatchObject({ status: 429, headers: { 'x-should-retry': 'false' }, json: { error: { code: 'too_large' } } });
  });

  it('is turned away with what the one who opened the scope says', async () => {
    await using server = await serve(answer(200, completion('hi')));
    const asked: unknown[] = [];
    const mayCall = (seen: unknown): void => {
      asked.push(seen);
      throw new UsageError({ message: 'the price of any-model is not known', hint: 'add it to prices' });
    };
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url, { provider: 'p', account: 'a' })], unscoped: { mayCall } });
    const got = await call(rig.url + PATH, { body: chat() });
    expect(got).toMatchObject({ status: 400, headers: { 'x-should-retry': 'false' }, json: { error: { code: 'usage', message: 'assay: the price of any-model is not known; add it to prices' } } });
    expect(asked).toEqual([{ model: 'any-model', deployment: 'p/a/any-model' }]);
    expect(server.received).toEqual([]);
  });

  it('does not leave where its row cannot be written', async () => {
    await using server = await serve(answer(200, completion('hi')));
    const failing = new AssayError({ code: 'store_full', message: 'no space left', hint: 'free some' });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], limits: { concurrency: 1 }, storing: (store) => storeWith(store, { write: () => Promise.reject(failing), writeSoon: () => Promise.reject(failing) }) });
    for (let i = 0; i < 2; i++) expect(await call(rig.url + PATH, { body: chat() })).toMatchObject({ status: 503, json: { error: { code: 'store_full', message: 'assay: no space left; free some' } } });
    expect(server.received).toEqual([]);
  });

  it('keeps its answer where only the settlement cannot be written', async () => {
    await using server = await serve(answer(200, completion('hi')));
    let writes = 0;
    const storing = (store: Store): Store => {
      const writeSoon: Store['writeSoon'] = (...ops) => (++writes === 2 ? Promise.reject(new AssayError({ code: 'store_full', message: 'no space left' })) : store.writeSoon(...ops));
      return storeWith(store, { writeSoon });
    };
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], storing });
    expect(await call(rig.url + PATH, { body: chat() })).toMatchObject({ status: 200, json: completion('hi') });
    expect(rig.warnings).toEqual([expect.stringContaining('its usage could not be recorded: no space left')]);
    expect(await rig.statuses()).toEqual([undefined]);
  });
});

describe('what a call came to', () => {
  it('is in the figures of the gateway, with its price', async () => {
    await using server = await serve(answer(200, completion('hi')), answer(500, { error: { message: 'oops' } }));
    const prices = priceTable({ 'any-model*': { input: 1_000_000, output: 2_000_000 } });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], prices });
    await call(rig.url + PATH, { body: chat() });
    await call(rig.url + PATH, { body: chat() });
    await call(`${rig.url}/nowhere`, { method: 'GET' });
    await call(`${rig.url}/v1/models`, { method: 'GET' });
    expect(rig.gateway.figures()).toEqual({
      calls: 2,
      failed: 1,
      replayed: 0,
      refused: 1,
      uncounted: 1,
      inFlight: 0,
      waiting: 0,
      promptTokens: USAGE.prompt_tokens,
      completionTokens: USAGE.completion_tokens,
      costUsd: 21,
    });
  });
});
