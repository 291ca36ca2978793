import { getEventListeners } from 'node:events';
import { brotliCompressSync, constants, createGzip, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { priceTable } from '../ledger/index.ts';
import { NO_RETRY } from './retry.ts';
import { chatCall, openRig } from './testing/rig.ts';
import { answer, completion, event, listen, serve, stream, streamOf, USAGE, type Handler } from './testing/server.ts';

const once = { retry: NO_RETRY };
const streamed = { ...once, ask: { stream: true } };
const reported = { source: 'reported', inputFresh: USAGE.prompt_tokens, outputText: USAGE.completion_tokens };

describe('an answer', () => {
  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['GZIP', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['br, gzip', (text: string) => gzipSync(brotliCompressSync(text))],
    ['identity', (text: string) => Buffer.from(text)],
  ])('is read though it is compressed: %s', async (encoding, compress) => {
    await using server = await serve(
      answer(200, compress(JSON.stringify(completion('whole'))), { 'content-encoding': encoding }),
      answer(200, compress(streamOf('streamed').join('')), { 'content-encoding': encoding, 'content-type': 'text/event-stream' }),
    );
    await using rig = await openRig();
    const whole = await rig.transport.send(chatCall(server.url, once));
    expect(whole.facts.answers[0]?.text).toBe('whole');
    expect(JSON.parse(whole.body)).toEqual(completion('whole'));
    expect((await rig.transport.send(chatCall(server.url, streamed))).facts.answers[0]?.text).toBe('streamed');
    expect((await rig.rows()).map((row) => row.settlement?.usage)).toMatchObject([reported, reported]);
  });

  it('is metered as it passes, compressed or not', async () => {
    const [first = '', ...rest] = streamOf('slowly');
    let finish: (() => void) | undefined;
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.write(first);
      gzip.flush(constants.Z_SYNC_FLUSH);
      finish = () => gzip.end(rest.join(''));
    });
    let now = 1_000_000;
    const steps = { now: () => (now += 100), after: () => () => undefined };
    await using rig = await openRig({ clock: steps });
    const pending = rig.transport.send(chatCall(server.url, streamed));
    await expect.poll(() => finish).toBeTypeOf('function');
    finish?.();
    await pending;
    const { settlement } = await rig.row();
    expect(settlement?.firstTokenMs).toBeGreaterThan(0);
    expect(settlement?.firstTokenMs).toBeLessThan(settlement?.totalMs ?? 0);
  });

  it('that is cut inside its compression is cut, with what came of it', async () => {
    const whole = gzipSync(streamOf('half an answer').join(''));
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      response.end(whole.subarray(0, 60));
    });
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url, streamed))).rejects.toMatchObject({ status: 'cut' });
  });

  it.each([
    ['that is not compressed as it says', answer(200, 'not gzip', { 'content-encoding': 'gzip' })],
    ['in a coding nobody knows', answer(200, completion('hi'), { 'content-encoding': 'rot13' })],
    ['of another shape', answer(200, { hello: 'world' })],
    ['that is a page', answer(200, '<html><title>Log in</title></html>', { 'content-type': 'text/html' })],
  ])('%s is malformed', async (_what, handler) => {
    await using server = await serve(handler);
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url, once))).rejects.toMatchObject({ code: 'malformed', status: 'malformed', httpStatus: 200 });
    expect((await rig.row()).settlement).toMatchObject({ status: 'malformed', error: expect.stringMatching(/HTTP 200: .*(?:read|check|encoding)/) });
    expect(rig.stats()).toMatchObject({ in_flight: 0 });
  });

  it.each([
    ['as it is', (bytes: Buffer) => bytes, {}],
    ['once it is decompressed', gzipSync, { 'content-encoding': 'gzip' }],
  ])('larger than can be held %s is malformed', async (_how, pack, headers) => {
    await using server = await serve(answer(200, pack(Buffer.alloc(65 * 1024 * 1024, 0x20)), headers));
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url, once))).rejects.toMatchObject({ status: 'malformed', message: expect.stringContaining('larger than') });
    expect(rig.stats()).toMatchObject({ in_flight: 0 });
  });

  it('that is an error is read no further than its beginning', async () => {
    let written = 0;
    await using server = await listen((_request, response) => {
      response.writeHead(500, { 'content-type': 'text/plain' });
      const block = Buffer.alloc(64 * 1024, 0x61);
      const more = (): void => {
        while (written < 1_000 * block.length && !response.destroyed) {
          written += block.length;
          if (!response.write(block)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url, once))).rejects.toMatchObject({ status: 'http_error', httpStatus: 500 });
    expect(written).toBeLessThan(30 * 1024 * 1024);
    expect((await rig.row()).settlement?.error?.length).toBeLessThanOrEqual(2_000);
  });

  it('may begin with a byte order mark', async () => {
    await using server = await serve(answer(200, `\u{FEFF}${JSON.stringify(completion('marked'))}`), stream([`\u{FEFF}`, ...streamOf('marked')]));
    await using rig = await openRig();
    for (const part of [once, streamed]) expect((await rig.transport.send(chatCall(server.url, part))).facts.answers[0]?.text).toBe('marked');
  });

  it.each(['application/json', 'text/plain', 'Text/Event-Stream; charset=utf-8', 'application/x-ndjson'])('that is a stream is read as one under the type %s', async (type) => {
    await using server = await serve(stream(streamOf('hi'), { 'content-type': type }));
    await using rig = await openRig();
    expect((await rig.transport.send(chatCall(server.url, streamed))).facts.answers[0]?.text).toBe('hi');
    expect((await rig.row()).settlement?.usage).toMatchObject(reported);
  });

  it('may be a whole body where a stream was asked for', async () => {
    await using server = await serve(answer(200, completion('whole')), answer(200, completion('mislabelled'), { 'content-type': 'text/event-stream' }));
    await using rig = await openRig();
    for (const text of ['whole', 'mislabelled']) expect((await rig.transport.send(chatCall(server.url, streamed))).facts.answers[0]?.text).toBe(text);
  });

  it('may be a stream where none was asked for', async () => {
    await using server = await serve(stream(streamOf('unasked')));
    await using rig = await openRig();
    expect((await rig.transport.send(chatCall(server.url, once))).facts.answers[0]?.text).toBe('unasked');
  });

  it('that is whole stays so when the connection breaks after it', async () => {
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(streamOf('all of it').join(''), () => response.destroy());
    });
    await using rig = await openRig();
    expect((await rig.transport.send(chatCall(server.url, streamed))).facts.answers[0]?.text).toBe('all of it');
    expect(await rig.statuses()).toEqual(['ok']);
  });

  it('may come before the whole request was sent', async () => {
    await using server = await listen((_request, response) => {
      response.writeHead(413, { 'content-type': 'application/json', connection: 'close' });
      response.end('{"error":{"message":"too large"}}');
    });
    await using rig = await openRig();
    const messages = [{ role: 'user', content: 'word '.repeat(1_000_000) }];
    await expect(rig.transport.send(chatCall(server.url, { ask: { messages } }))).rejects.toMatchObject({ httpStatus: 413, message: expect.stringContaining('too large'), tries: 1 });
  });
});

describe('usage', () => {
  const silent = completion('one two three', { usage: undefined });

  it('is estimated where an answer does not tell it, and says so', async () => {
    await using server = await serve(answer(200, silent), stream(streamOf('one two three').filter((chunk) => !chunk.includes('usage'))));
    await using rig = await openRig({ prices: priceTable({ 'any-model-2026': { input: 1_000_000, output: 1_000_000 } }) });
    for (const part of [once, streamed]) await rig.transport.send(chatCall(server.url, part));
    for (const { settlement, intent } of await rig.rows()) {
      expect(settlement).toMatchObject({ status: 'ok', usage: { source: 'estimated', outputText: 3 } });
      expect(settlement?.usage.inputFresh).toBeGreaterThan(0);
      expect(settlement?.costUsd).toBe((settlement?.usage.inputFresh ?? 0) + 3);
      expect(intent.reservedTokens).toBeGreaterThan(0);
    }
  });

  it('of an error answer is unknown, and so is its cost', async () => {
    await using server = await serve(answer(500, { error: { message: 'one two three' } }));
    await using rig = await openRig();
    await expect(rig.transport.send(chatCall(server.url, once))).rejects.toMatchObject({ status: 'http_error' });
    expect((await rig.row()).settlement).toMatchObject({ usage: { source: 'unknown', inputFresh: undefined }, costUsd: null });
  });

  it('is asked for in a stream where the request did not, and the chunk that brings it is kept from the caller', async () => {
    await using server = await serve(stream(streamOf('hi')));
    await using rig = await openRig();
    const given = await rig.transport.send(chatCall(server.url, { ask: { stream: true, stream_options: { other: 1 } } }));
    expect(server.received[0]?.json['stream_options']).toEqual({ other: 1, include_usage: true });
    expect((await rig.row()).settlement?.usage).toMatchObject(reported);
    expect(given.body).toBe(streamOf('hi').filter((chunk) => !chunk.includes('usage')).join(''));
  });

  it('comes with its chunk to a caller who asked for it', async () => {
    await using server = await serve(stream(streamOf('hi')));
    await using rig = await openRig();
    const given = await rig.transport.send(chatCall(server.url, { ask: { stream: true, stream_options: { include_usage: true } } }));
    expect(given.body).toBe(streamOf('hi').join(''));
  });

  it.each(['\n\n', '\r\n\r\n'])('leaves every other byte as it was (events end with %j)', async (end) => {
    const lines = [': keep-alive', 'data: {"choices":[{"index":0,"delta":{"content":"a \\"usage\\":{} b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}', `data: {"choices":[],"usage":${JSON.stringify(USAGE)}}`, 'data: {"choices":[],"prompt_filter_results":[]}', 'data: [DONE]'];
    await using server = await serve(stream([lines.join(end) + end]));
    await using rig = await openRig();
    const given = await rig.transport.send(chatCall(server.url, streamed));
    expect(given.body).toBe(lines.filter((_line, at) => at !== 2).join(end) + end);
  });

  it('asked for is not asked for again, nor of a request that is not streamed', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    const call = chatCall(server.url);
    await rig.transport.send(call);
    expect(server.received[0]?.body).toBe(call.body);
  });
});

describe('what goes out', () => {
  it('carries none of the headers that belong to the connection it came by', async () => {
    await using server = await serve(stream(streamOf('hi')));
    await using rig = await openRig();
    const headers = { 'Content-Length': '3', Connection: 'keep-alive', 'transfer-encoding': 'chunked', host: 'elsewhere', expect: '100-continue', 'X-Mine': 'yes' };
    await rig.transport.send(chatCall(server.url, { ...streamed, headers }));
    const [request] = server.received;
    expect(request?.headers).toMatchObject({ 'x-mine': 'yes', host: new URL(server.url).host });
    expect(Number(request?.headers['content-length'])).toBe(request?.body.length);
    expect(request?.headers).not.toHaveProperty('expect');
  });

  it('tells a simulator which row it is, and nobody else', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    const simulated = await rig.transport.send(chatCall(server.url, { simulated: true }));
    await rig.transport.send(chatCall(server.url));
    expect(server.received.map(({ headers }) => [headers['x-assay-call'], headers['x-assay-retry']])).toEqual([
      [simulated.callId, '0'],
      [undefined, undefined],
    ]);
  });

  it('is nothing where the address is not that of a known API', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    await expect(rig.transport.send({ ...chatCall(server.url), url: `${server.url}/v1/chat` })).rejects.toMatchObject({ code: 'call_failed', status: 'not_sent', message: expect.stringContaining('/v1/chat') });
    expect(server.received).toEqual([]);
    expect(await rig.rows()).toEqual([]);
  });
});

describe('secrets', () => {
  const key = 'k-5f2b9c1d7e';

  it.each<[what: string, handler: Handler]>([
    ['an error', answer(401, { error: { message: `Incorrect API key provided: ${key}` } })],
    ['a page', answer(403, `<title>Bearer ${key} is not allowed here</title>`)],
    ['an error event', stream([event({ error: { message: `no access with ${key}`, code: 401 } })])],
  ])('of a request are in no error and no row, though %s quotes them', async (_what, handler) => {
    await using server = await serve(handler);
    await using rig = await openRig();
    const call = chatCall(server.url, { ...streamed, headers: { authorization: `Bearer ${key}` } });
    const error = await rig.transport.send({ ...call, url: `${call.url}?api-key=${key}` }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'call_failed', message: expect.stringContaining('[redacted:') });
    expect(JSON.stringify([error, String(error), await rig.rows()])).not.toContain(key);
  });

  it('of a header that cannot be sent are not in the error', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    const error = await rig.transport.send(chatCall(server.url, { headers: { authorization: `Bearer ${key}\n` } })).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ status: 'network_error', tries: 1 });
    expect(JSON.stringify([error, String(error), await rig.rows()])).not.toContain(key);
    expect(server.received).toEqual([]);
  });
});

describe('listeners', () => {
  it('on a signal that many calls share are gone when the calls are', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    await using server = await serve(answer(500, { error: { message: 'again' } }), answer(200, completion('hi')));
    await using rig = await openRig({ limits: { concurrency: 10 } });
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 60 }, () => rig.transport.send(chatCall(server.url, { signal }))));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(warnings).toEqual([]);
    process.off('warning', onWarning);
  });
});
