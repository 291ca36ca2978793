import type { ServerResponse } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Agent, Pool, request } from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { answer, closedPort, completion, event, listen, serve, stream, streamOf, USAGE, type Handler } from '../testing/server.ts';
import { openUndiciRig } from '../testing/undici-rig.ts';

const PATH = '/v1/chat/completions';
const ask = (part: object = {}): string => JSON.stringify({ model: 'any-model', messages: [{ role: 'user', content: 'hello' }], ...part });
const ASK = ask();
const STREAM = ask({ stream: true });
const TOLD = { inputFresh: 11, outputText: 5, source: 'reported' };

describe('a stream that was not asked for its usage', () => {
  const events = streamOf('hi');
  const withoutUsage = events.filter((each) => !each.includes('"usage"')).join('');
  const inPieces: Handler = async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const byte of Buffer.from(events.join(''))) {
      response.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  };

  for (const [name, handler] of Object.entries({ 'at once': stream(events), 'byte by byte': inPieces })) {
    it(`is asked for it, and the caller sees nothing of that (${name})`, async () => {
      await using server = await serve(handler);
      await using rig = await openUndiciRig();
      for (const read of [
        async () => (await fetch(`${server.url}${PATH}`, { method: 'POST', body: STREAM })).text(),
        async () => (await request(`${server.url}${PATH}`, { method: 'POST', body: STREAM, headers: { 'Content-Length': String(Buffer.byteLength(STREAM)) } })).body.text(),
      ]) {
        expect(await read()).toBe(withoutUsage);
      }
      await rig.tap.settled();
      expect(server.received.map(({ json }) => json)).toEqual(Array.from({ length: 2 }, () => ({ ...JSON.parse(STREAM), stream_options: { include_usage: true } })));
      expect((await rig.rows()).map(({ settlement }) => settlement)).toMatchObject([{ status: 'ok', usage: TOLD }, { status: 'ok', usage: TOLD }]);
    });
  }

  it('has its usage left in where the answer is compressed', async () => {
    await using server = await serve((response) => void response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }).end(gzipSync(events.join(''))));
    await using rig = await openUndiciRig();
    expect(await (await fetch(`${server.url}${PATH}`, { method: 'POST', body: STREAM })).text()).toBe(events.join(''));
    await rig.tap.settled();
    expect((await rig.row()).settlement).toMatchObject({ status: 'ok', usage: TOLD });
  });

  it('that was asked for it passes as it is', async () => {
    await using server = await serve(stream(events));
    await using rig = await openUndiciRig();
    const body = ask({ stream: true, stream_options: { include_usage: true } });
    expect(await (await fetch(`${server.url}${PATH}`, { method: 'POST', body })).text()).toBe(events.join(''));
    expect(server.received[0]?.body).toBe(body);
    await rig.tap.settled();
    expect((await rig.row()).settlement).toMatchObject({ status: 'ok', usage: TOLD });
  });
});

describe('a compressed answer', () => {
  for (const [encoding, compress] of Object.entries({ gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync })) {
    it(`in ${encoding} is read, and the caller gets the same bytes`, async () => {
      const bytes = compress(JSON.stringify(completion('hi')));
      await using server = await serve((response) => void response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding }).end(bytes));
      await using rig = await openUndiciRig();
      expect(await (await fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK })).json()).toEqual(completion('hi'));
      expect(Buffer.from(await (await request(`${server.url}${PATH}`, { method: 'POST', body: ASK })).body.arrayBuffer())).toEqual(Buffer.from(bytes));
      await rig.tap.settled();
      expect((await rig.rows()).map(({ settlement }) => settlement)).toMatchObject([{ status: 'ok', usage: TOLD }, { status: 'ok', usage: TOLD }]);
    });
  }

  it('that is no such thing is malformed in the ledger, and the caller’s own affair', async () => {
    await using server = await serve((response) => void response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('not gzip at all'));
    await using rig = await openUndiciRig();
    expect(await (await request(`${server.url}${PATH}`, { method: 'POST', body: ASK })).body.text()).toBe('not gzip at all');
    await rig.tap.settled();
    expect(await rig.statuses()).toEqual(['malformed']);
  });
});

describe('how a call ended', () => {
  const beginning: Handler = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(streamOf('hi')[0]);
  };
  const cases: Readonly<Record<string, { readonly handler: Handler; readonly call: (url: string) => Promise<unknown>; readonly row: object }>> = {
    'a refusal by a rate limit': { handler: answer(429, { error: { message: 'slow down' } }), call: (url) => post(url), row: { status: 'rate_limited', httpStatus: 429 } },
    'a failure of the server': { handler: answer(500, { error: { message: 'oops' } }), call: (url) => post(url), row: { status: 'http_error', httpStatus: 500, error: expect.stringContaining('oops') as string } },
    'an answer that cannot be read': { handler: answer(200, 'no json'), call: (url) => post(url), row: { status: 'malformed', httpStatus: 200 } },
    'an answer without usage': { handler: answer(200, completion('hello there', { usage: undefined })), call: (url) => post(url), row: { status: 'ok', usage: { source: 'estimated' } } },
    'a connection that breaks before the answer': { handler: (response) => void response.destroy(), call: (url) => post(url).catch(() => undefined), row: { status: 'network_error', httpStatus: null } },
    'a stream that breaks': {
      handler: async (response, ...rest) => {
        await beginning(response, ...rest);
        setImmediate(() => response.destroy());
      },
      call: (url) => post(url, STREAM).catch(() => undefined),
      row: { status: 'cut', httpStatus: 200 },
    },
    'a stream that the caller leaves': {
      handler: beginning,
      call: async (url) => {
        const response = await fetch(url, { method: 'POST', body: STREAM });
        for await (const _chunk of response.body!) break;
      },
      row: { status: 'aborted', httpStatus: 200, error: expect.any(String) as string },
    },
    'a body that the caller destroys': {
      handler: beginning,
      call: async (url) => {
        const { body } = await request(url, { method: 'POST', body: STREAM });
        const closed = new Promise((resolve) => body.on('error', () => undefined).once('close', resolve));
        body.once('data', () => body.destroy());
        await closed;
      },
      row: { status: 'aborted', httpStatus: 200 },
    },
    'a stream left after all of it had come': {
      handler: (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(streamOf('hi').join(''));
      },
      call: async (url) => {
        const response = await fetch(url, { method: 'POST', body: STREAM });
        for await (const chunk of response.body!) if (Buffer.from(chunk).includes('[DONE]')) break;
      },
      row: { status: 'ok', usage: TOLD },
    },
    'an abort in mid-flight': {
      handler: () => undefined,
      call: async (url) => {
        const abort = new AbortController();
        const call = fetch(url, { method: 'POST', body: ASK, signal: abort.signal });
        await vi.waitFor(() => expect(seen.received).toHaveLength(1));
        abort.abort();
        await call.catch(() => undefined);
      },
      row: { status: 'aborted', httpStatus: null },
    },
    'an abort with a reason of the caller’s own': {
      handler: () => undefined,
      call: async (url) => {
        const abort = new AbortController();
        const call = request(url, { method: 'POST', body: ASK, signal: abort.signal });
        await vi.waitFor(() => expect(seen.received).toHaveLength(1));
        abort.abort('enough');
        await call.catch(() => undefined);
      },
      row: { status: 'aborted', httpStatus: null },
    },
    'the caller’s own time-out': { handler: () => undefined, call: (url) => fetch(url, { method: 'POST', body: ASK, signal: AbortSignal.timeout(60) }).catch(() => undefined), row: { status: 'timeout', httpStatus: null } },
    'undici’s time-out for the head': {
      handler: () => undefined,
      call: async (url) => {
        const dispatcher = new Agent({ headersTimeout: 50 });
        await request(url, { method: 'POST', body: ASK, dispatcher }).catch(() => undefined);
        await dispatcher.destroy();
      },
      row: { status: 'timeout', httpStatus: null },
    },
    'usage as far as a broken stream told it': {
      handler: (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(event({ model: 'any-model-2026', choices: [{ index: 0, delta: { content: 'hi' } }], usage: USAGE }));
        setImmediate(() => response.destroy());
      },
      call: (url) => post(url, STREAM).catch(() => undefined),
      row: { status: 'cut', usage: TOLD },
    },
  };
  let seen: { readonly received: readonly unknown[] } = { received: [] };

  for (const [name, { handler, call, row }] of Object.entries(cases)) {
    it(`${name} is in the ledger as what it was`, async () => {
      await using server = await serve(handler);
      seen = server;
      await using rig = await openUndiciRig();
      await call(`${server.url}${PATH}`);
      await rig.tap.settled();
      expect((await rig.row()).settlement).toMatchObject(row);
      expect(rig.limiter.stats().map((each) => each.in_flight)).toEqual([0]);
    });
  }

  it('a server that is not there, as never reached', async () => {
    await using rig = await openUndiciRig();
    await expect(post(`http://127.0.0.1:${await closedPort()}${PATH}`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await rig.tap.settled();
    expect((await rig.row()).settlement).toMatchObject({ status: 'network_error', httpStatus: null });
  });

  it('calls under way when the process ends, as aborted', async () => {
    await using server = await serve(() => undefined);
    await using rig = await openUndiciRig();
    const call = post(`${server.url}${PATH}`).catch(() => undefined);
    await vi.waitFor(() => expect(server.received).toHaveLength(1));
    rig.tap.abandon();
    await vi.waitFor(async () => expect(await rig.statuses()).toEqual(['aborted']));
    await server[Symbol.asyncDispose]();
    await call;
    expect(await rig.statuses()).toEqual(['aborted']);
  });
});

describe('what the caller sees', () => {
  it('is the same with the tap and without: head, hints before it, body, trailers', async () => {
    await using server = await serve(async (response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.writeHead(201, 'Made', { 'content-type': 'application/json', 'x-request-id': 'r1', trailer: 'x-sum', 'set-cookie': ['a=1', 'b=2'] });
      response.write(JSON.stringify(completion('hi')));
      response.addTrailers({ 'x-sum': '42' });
      response.end();
    });
    const pool = new Pool(server.url);
    const look = async (): Promise<object> => {
      const hints: unknown[] = [];
      const { statusCode, statusText, headers, body, trailers } = await pool.request({ method: 'POST', path: PATH, body: ASK, onInfo: (info) => hints.push(info) });
      const text = await body.text();
      const viaFetch = await fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK });
      return { statusCode, statusText, headers: { ...headers, date: '' }, text, trailers: { ...trailers }, hints, fetched: [viaFetch.status, viaFetch.statusText, viaFetch.headers.getSetCookie(), await viaFetch.text()] };
    };
    const bare = await look();
    const rig = await openUndiciRig();
    const tapped = await look();
    await rig[Symbol.asyncDispose]();
    await pool.destroy();
    expect(tapped).toEqual(bare);
    expect(tapped).toMatchObject({ statusCode: 201, trailers: { 'x-sum': '42' }, hints: [{ statusCode: 103 }] });
  });

  it('holds back a server as before where the caller does not read', async () => {
    let written = 0;
    let ended = 0;
    const flood = (response: ServerResponse): void => {
      const block = Buffer.alloc(64 * 1024, 'x');
      const fill = (): void => {
        while (written < 256 * 1024 * 1024) {
          written += block.length;
          if (!response.write(block)) return void response.once('drain', fill);
        }
      };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.on('close', () => ended++);
      fill();
    };
    await using server = await listen((incoming, response) => void incoming.resume().on('end', () => flood(response)));
    const still = async (): Promise<number> => {
      let before = -1;
      await vi.waitFor(
        () => {
          const settled = written === before;
          before = written;
          expect(settled).toBe(true);
        },
        { interval: 150, timeout: 10_000 },
      );
      return written;
    };
    const pause = async (): Promise<number> => {
      written = 0;
      const { body } = await request(`${server.url}${PATH}`, { method: 'POST', body: ASK });
      const sent = await still();
      const seen = ended;
      body.on('error', () => undefined).destroy();
      await vi.waitFor(() => expect(ended).toBe(seen + 1));
      return sent;
    };
    const bare = await pause();
    await using rig = await openUndiciRig();
    const tapped = await pause();
    await rig.tap.settled();
    expect(tapped).toBeLessThan(bare * 2);
    expect(tapped).toBeLessThan(64 * 1024 * 1024);
    expect(await rig.statuses()).toEqual(['aborted']);
  });
});

async function post(url: string, body: string = ASK): Promise<string> {
  return (await fetch(url, { method: 'POST', body })).text();
}
