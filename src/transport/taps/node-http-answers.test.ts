import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { brotliCompressSync, createGunzip, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { openTappedRig } from '../testing/node-http-rig.ts';
import { answer, completion, listen, serve, streamOf, USAGE, type Handler } from '../testing/server.ts';

const PATH = '/v1/chat/completions';
const ASK = JSON.stringify({ model: 'any-model', messages: [{ role: 'user', content: 'hi' }], stream: true });
const TEXT = 'grüße '.repeat(4_000);
const REPORTED = { inputFresh: USAGE.prompt_tokens, outputText: USAGE.completion_tokens, source: 'reported' };

async function answered(url: string, ask = ASK): Promise<{ readonly call: ClientRequest; readonly response: IncomingMessage }> {
  const call = request(url + PATH, { method: 'POST' }).end(ask);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return { call, response };
}

/** A streamed answer whose pieces are cut anywhere, with a trailer. */
const streamed: Handler = async (response) => {
  response.writeHead(200, 'Fine', { 'content-type': 'text/event-stream', trailer: 'x-end', 'x-one': ['a', 'b'], 'set-cookie': ['c=1', 'd=2'] });
  const whole = Buffer.from(streamOf(TEXT).join(''));
  for (let at = 0; at < whole.length; at += 4_999) {
    if (!response.write(whole.subarray(at, at + 4_999))) await once(response, 'drain');
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.addTrailers({ 'x-end': 'yes' });
  response.end();
};

/** Every way to read a response to its end; each returns all that it saw. */
const WAYS: Readonly<Record<string, (response: IncomingMessage) => Promise<unknown>>> = {
  'by data events': async (response) => {
    const seen: unknown[] = [];
    let body = '';
    response.setEncoding('utf8').on('data', (piece: string) => (body += piece));
    for (const event of ['end', 'aborted', 'error', 'close']) response.on(event, () => seen.push([event, response.complete, response.readableEnded]));
    await once(response, 'close');
    return [body, seen];
  },
  'by data events that are listened for late': async (response) => {
    await new Promise((resolve) => setImmediate(resolve));
    const pieces: Buffer[] = [];
    response.on('data', (piece: Buffer) => pieces.push(piece));
    await once(response, 'end');
    return Buffer.concat(pieces).toString();
  },
  'by readable events': async (response) => {
    const pieces: Buffer[] = [];
    response.on('readable', () => {
      for (let piece; (piece = response.read(1_000) as Buffer | null) !== null || (piece = response.read() as Buffer | null) !== null; ) pieces.push(piece);
    });
    await once(response, 'end');
    return Buffer.concat(pieces).toString();
  },
  'by iteration': async (response) => {
    const pieces: Buffer[] = [];
    for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  },
  'by a pipe': async (response) => text(response.pipe(new PassThrough({ highWaterMark: 100 }))),
  'by a pipeline': async (response) => {
    const to = new PassThrough();
    const [body] = await Promise.all([text(to), pipeline(response, to)]);
    return body;
  },
  'by a web stream': async (response) => {
    const { Readable } = await import('node:stream');
    return new Response(Readable.toWeb(response) as never).text();
  },
  'with pauses': async (response) => {
    let body = '';
    response.on('data', (piece: Buffer) => {
      body += piece.toString('latin1');
      response.pause();
      setImmediate(() => response.resume());
    });
    await once(response, 'end');
    return Buffer.from(body, 'latin1').toString();
  },
  'with a piece put back': async (response) => {
    const [first] = (await once(response, 'data')) as [Buffer];
    response.pause();
    response.unshift(first);
    return Buffer.concat((await response.toArray()) as Buffer[]).toString();
  },
  'by throwing it away': async (response) => {
    response.resume();
    await once(response, 'end');
    return response.complete;
  },
};

/** All that a caller can see of a head, but for the time of day. */
function headOf(response: IncomingMessage): unknown {
  const raw: string[] = [];
  for (let i = 0; i < response.rawHeaders.length; i += 2) if (response.rawHeaders[i] !== 'Date') raw.push(response.rawHeaders[i]!, response.rawHeaders[i + 1]!);
  const { date: _, ...headers } = response.headers;
  return { status: response.statusCode, message: response.statusMessage, raw, headers, keys: Object.keys(response).toSorted(), trailers: response.trailers };
}

describe('an answer over node:http', () => {
  it.each(Object.entries(WAYS))('read %s is the same with the tap and without, and in the ledger', async (_name, read) => {
    await using server = await serve(streamed);
    const look = async (): Promise<unknown> => {
      const { response } = await answered(server.url);
      return [await read(response), headOf(response)];
    };
    const without = await look();
    await using rig = await openTappedRig();
    expect(await look()).toEqual(without);
    await rig.tap.settled();
    const { settlement } = await rig.row();
    expect(settlement).toMatchObject({ status: 'ok', httpStatus: 200, usage: REPORTED, finishReason: 'stop' });
    expect(settlement!.firstTokenMs).toBeLessThanOrEqual(settlement!.totalMs!);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('compressed with %s reaches the caller compressed, and is read', async (coding, compress) => {
    const bytes = compress(Buffer.from(JSON.stringify(completion('hello'))));
    await using server = await serve(answer(200, bytes, { 'content-encoding': coding }));
    await using rig = await openTappedRig();
    const { response } = await answered(server.url, ASK.replace('true', 'false'));
    expect(response.headers['content-encoding']).toBe(coding);
    expect(Buffer.concat((await response.toArray()) as Buffer[])).toEqual(bytes);
    await rig.tap.settled();
    expect((await rig.row()).settlement).toMatchObject({ status: 'ok', usage: REPORTED });
  });

  it('compressed, streamed and read through a decoder is read to its usage', async () => {
    const bytes = gzipSync(Buffer.from(streamOf(TEXT).join('')));
    await using server = await serve((response) => void response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }).end(bytes));
    await using rig = await openTappedRig();
    const { response } = await answered(server.url);
    expect(await text(response.pipe(createGunzip()))).toBe(streamOf(TEXT).join(''));
    await rig.tap.settled();
    expect((await rig.row()).settlement).toMatchObject({ status: 'ok', usage: REPORTED });
  });

  it('in a coding that cannot be undone reaches the caller, and is malformed to us', async () => {
    await using server = await serve(answer(200, Buffer.from('no gzip at all'), { 'content-encoding': 'gzip' }), answer(200, 'x', { 'content-encoding': 'rot13' }));
    await using rig = await openTappedRig();
    for (const body of ['no gzip at all', 'x']) {
      const { response } = await answered(server.url);
      expect(await text(response)).toBe(body);
    }
    await rig.tap.settled();
    expect(await rig.statuses()).toEqual(['malformed', 'malformed']);
  });

  it('that nobody listens to is read all the same, and leaves the connection free for the next', async () => {
    await using server = await serve(answer(200, completion(TEXT)));
    const { Agent } = await import('node:http');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await using rig = await openTappedRig();
    for (let i = 0; i < 3; i++) {
      const call = request(server.url + PATH, { method: 'POST', agent }).end(ASK.replace('true', 'false'));
      await once(call, 'close');
      expect(call.reusedSocket).toBe(i > 0);
    }
    await rig.tap.settled();
    agent.destroy();
    expect((await rig.rows()).map(({ settlement }) => [settlement?.status, settlement?.usage.source])).toEqual([['ok', 'reported'], ['ok', 'reported'], ['ok', 'reported']]);
  });

  it('that came whole is settled though the caller never reads it', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const { response } = await answered(server.url, ASK.replace('true', 'false'));
    await rig.tap.settled();
    expect(response.readableEnded).toBe(false);
    expect((await rig.row()).settlement).toMatchObject({ status: 'ok', usage: REPORTED });
    response.destroy();
  });

  it('that nobody reads holds its server back as much with the tap as without', async () => {
    const size = 64 * 1024 * 1024;
    const piece = Buffer.from(`data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content: 'x'.repeat(64 * 1024) } }] })}\n\n`);
    const stalls: number[] = [];
    const look = async (): Promise<void> => {
      const sockets: ServerResponse[] = [];
      await using server = await listen((incoming, response) => {
        incoming.resume();
        sockets.push(response);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        let left = size;
        const write = (): void => {
          while (left > 0) {
            left -= piece.length;
            if (!response.write(piece)) return void response.once('drain', write);
          }
          response.end();
        };
        write();
      });
      const { response } = await answered(server.url);
      const { socket } = sockets[0]!;
      let last = -1;
      await vi.waitFor(
        () => {
          const before = last;
          last = socket!.bytesWritten;
          expect(last).toBe(before);
        },
        { interval: 100, timeout: 10_000 },
      );
      expect(sockets[0]!.writableNeedDrain).toBe(true);
      expect(response.readableLength).toBeLessThan(1024 * 1024);
      stalls.push(last);
      let got = 0;
      for await (const chunk of response as AsyncIterable<Buffer>) got += chunk.length;
      expect(got).toBe(Math.ceil(size / piece.length) * piece.length);
    };
    await look();
    await using rig = await openTappedRig();
    await look();
    await rig.tap.settled();
    const [without, tapped] = stalls as [number, number];
    expect(without).toBeLessThan(size / 2);
    // What a kernel buffers is its own affair, to some degree.
    expect(tapped).toBeLessThan(without * 1.5 + 2 * 1024 * 1024);
    expect(rig.tap.inFlight).toBe(0);
  });

  it('adds no listener for errors: what nobody hears of still ends the program', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const call = request(server.url + PATH, { method: 'POST' });
    expect(call.listenerCount('error')).toBe(0);
    expect(Object.keys(call)).not.toContain('write');
    call.end(ASK.replace('true', 'false'));
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    expect([call.listenerCount('error'), response.listenerCount('error'), response.listenerCount('data'), response.readableFlowing]).toEqual([0, 0, 0, null]);
    await text(response);
    await rig.tap.settled();
    expect(await rig.statuses()).toEqual(['ok']);
  });
});
