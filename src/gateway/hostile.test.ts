import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { answer, completion, listen, serve, stream, streamOf } from '../transport/testing/server.ts';
import { openAiAt, openGatewayRig } from './testing/gateway-rig.ts';
import { call, chat, dial, readToEnd, until } from './testing/wire.ts';

const PATH = '/v1/chat/completions';
const OK = answer(200, completion('hi'));

function posted(body: string, headers = ''): string {
  return `POST ${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
}

/** A provider over bare sockets: what it says to each request is written as it is. */
async function rawServer(respond: (socket: Socket, request: string) => void): Promise<AsyncDisposable & { readonly url: string; readonly requests: readonly string[] }> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let pending = '';
    socket.on('data', (chunk: Buffer) => {
      pending += chunk.toString('latin1');
      const end = pending.indexOf('\r\n\r\n');
      const length = Number(/content-length: *(\d+)/i.exec(pending)?.[1] ?? 0);
      if (end === -1 || pending.length < end + 4 + length) return;
      const request = pending;
      pending = '';
      requests.push(request);
      respond(socket, request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('a client that goes away', () => {
  it('in the middle of a stream ends the call at the provider, and its row', async () => {
    let ended = false;
    await using server = await serve((response) => {
      response.on('close', () => (ended = !response.writableFinished));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(streamOf('hello')[0]);
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const leaving = new AbortController();
    const response = await fetch(rig.url + PATH, { method: 'POST', body: JSON.stringify(chat({ stream: true, stream_options: { include_usage: true } })), signal: leaving.signal });
    await response.body!.getReader().read();
    leaving.abort();
    await until(() => ended);
    expect((await rig.settled(1))[0]!.settlement).toMatchObject({ status: 'aborted', usage: { source: 'unknown' } });
    expect(rig.limiter.stats()[0]).toMatchObject({ in_flight: 0 });
  });

  it('before the answer began ends the call too', async () => {
    let ended = false;
    await using server = await serve((response) => void response.on('close', () => (ended = true)));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const socket = await dial(rig.gateway.port);
    socket.write(posted(JSON.stringify(chat())));
    await until(() => server.received.length === 1);
    socket.destroy();
    await until(() => ended);
    expect((await rig.settled(1))[0]!.settlement).toMatchObject({ status: 'aborted', httpStatus: null });
  });

  it('while it waits for its turn is taken out of the line, and nothing leaves or is recorded', async () => {
    let answerFirst = (): void => {};
    await using server = await serve((response, request, index) => {
      answerFirst = () => void OK(response, request, index);
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], limits: { concurrency: 1 } });
    const first = call(rig.url + PATH, { body: chat() });
    await until(() => server.received.length === 1);
    const socket = await dial(rig.gateway.port);
    socket.write(posted(JSON.stringify(chat())));
    await until(() => rig.gateway.figures().waiting === 1);
    socket.destroy();
    await until(() => rig.gateway.figures().waiting === 0);
    answerFirst();
    expect((await first).status).toBe(200);
    expect(server.received).toHaveLength(1);
    expect(await rig.statuses()).toEqual(['ok']);
    expect(rig.gateway.figures()).toMatchObject({ calls: 1, refused: 0, inFlight: 0 });
  });

  it('in the middle of its request leaves no trace', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const socket = await dial(rig.gateway.port);
    socket.write(posted(JSON.stringify(chat())).slice(0, -5));
    await until(async () => (await call(`${rig.url}/health`, { method: 'GET' })).status === 200);
    socket.destroy();
    expect((await call(rig.url + PATH, { body: chat() })).status).toBe(200);
    expect(server.received).toHaveLength(1);
    expect(await rig.statuses()).toEqual(['ok']);
  });
});

describe('back-pressure', () => {
  it('holds the provider back while the client does not read, and loses nothing', async () => {
    const piece = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x'.repeat(60_000) } }] })}\n\n`;
    const pieces = 800;
    let written = 0;
    await using server = await listen((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const more = (): void => {
        while (written < pieces) {
          written += 1;
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end('data: [DONE]\n\n');
      };
      more();
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const socket = await dial(rig.gateway.port);
    socket.pause();
    socket.write(posted(JSON.stringify(chat({ stream: true, stream_options: { include_usage: true } })), 'connection: close\r\n'));
    let before = -1;
    await until(async () => {
      const still = written === before && written > 0;
      before = written;
      if (!still) await new Promise((resolve) => { setTimeout(resolve, 100); });
      return still;
    });
    // What fits into the buffers of the system and the gateway, of 48 MB.
    expect(written).toBeLessThan(pieces / 2);
    let size = 0;
    socket.on('data', (chunk: Buffer) => (size += chunk.length)).resume();
    await once(socket, 'close');
    expect(written).toBe(pieces);
    expect(size).toBeGreaterThan(pieces * piece.length);
    expect((await rig.settled(1))[0]!.settlement?.status).toBe('ok');
  });

  it('drops a client that takes nothing for too long, and ends its call', async () => {
    await using server = await listen((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const more = (): void => {
        while (!response.destroyed && response.write('data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'.repeat(1_000)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], idleTimeoutMs: 200 });
    const socket = await dial(rig.gateway.port);
    socket.pause();
    socket.on('error', () => undefined);
    socket.write(posted(JSON.stringify(chat({ stream: true, stream_options: { include_usage: true } }))));
    expect((await rig.settled(1))[0]!.settlement?.status).toBe('aborted');
    await until(() => rig.warnings.length > 0);
    expect(rig.warnings[0]).toContain('a client took nothing for 200 ms');
    socket.destroy();
  });
});

describe('requests that are too much', () => {
  it('are refused by their length before they are read', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], maxBodyBytes: 1_000 });
    const socket = await dial(rig.gateway.port);
    socket.write(`POST ${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5000000\r\n\r\n{`);
    const text = await readToEnd(socket);
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).toContain('"code":"body_too_large"');
    expect(text).toContain('x-should-retry: false');
    expect(server.received).toEqual([]);
  });

  it('are refused as they come where they do not say their length', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], maxBodyBytes: 1_000 });
    const socket = await dial(rig.gateway.port);
    const piece = `${(500).toString(16)}\r\n${'x'.repeat(500)}\r\n`;
    socket.write(`POST ${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n${piece.repeat(4)}`);
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 413 /);
    expect(server.received).toEqual([]);
  });

  it('are refused where they only grow when they are decoded', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], maxBodyBytes: 100_000 });
    const bomb = gzipSync(Buffer.alloc(50_000_000, 32));
    expect(bomb.length).toBeLessThan(100_000);
    expect((await call(rig.url + PATH, { body: bomb, headers: { 'content-encoding': 'gzip' } })).status).toBe(413);
    expect(server.received).toEqual([]);
  });

  it('are refused where they cannot be decoded', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    for (const encoding of ['gzip', 'br', 'nonsense']) {
      expect(await call(rig.url + PATH, { body: 'no such bytes', headers: { 'content-encoding': encoding } })).toMatchObject({ status: 400, json: { error: { code: 'unreadable_body' } } });
    }
    expect(server.received).toEqual([]);
  });

  it('are refused where their head is too long', async () => {
    await using rig = await openGatewayRig();
    const socket = await dial(rig.gateway.port);
    socket.write(`GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nx-long: ${'x'.repeat(100_000)}\r\n\r\n`);
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it.each([
    ['a head that never ends', `POST ${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: `],
    ['a body that never ends', `POST ${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\n{`],
    ['nothing at all', ''],
  ])('are cut off where they come too slowly: %s', async (_what, text) => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], requestTimeoutMs: 200 });
    const socket = await dial(rig.gateway.port);
    if (text !== '') socket.write(text);
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 408 /);
    expect(rig.gateway.figures()).toMatchObject({ calls: 0, inFlight: 0 });
  });

  it.each([
    ['two lengths', 'content-length: 5\r\ncontent-length: 6\r\n'],
    ['a length beside chunks', 'content-length: 5\r\ntransfer-encoding: chunked\r\n'],
    ['chunks that are not the last coding', 'transfer-encoding: chunked, identity\r\n'],
  ])('are refused where two servers could read them differently: %s', async (_what, headers) => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const socket = await dial(rig.gateway.port);
    socket.write(`POST ${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}\r\n0\r\n\r\nGET /u/openai/v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 400 /);
    expect(server.received).toEqual([]);
  });
});

describe('what HTTP has besides', () => {
  it('answers a client that asks before it sends its body', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const socket = await dial(rig.gateway.port);
    const body = JSON.stringify(chat());
    const [head] = posted(body, 'expect: 100-continue\r\nconnection: close\r\n').split('\r\n\r\n');
    socket.write(`${head!}\r\n\r\n`);
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^HTTP\/1\.1 100 Continue/);
    socket.write(body);
    expect(await readToEnd(socket)).toContain('HTTP/1.1 200 OK');
    expect(server.received[0]!.headers).not.toHaveProperty('expect');
  });

  it('refuses a body that is too large before it is sent', async () => {
    await using rig = await openGatewayRig({ upstreams: [openAiAt('http://127.0.0.1:1')], maxBodyBytes: 10 });
    const socket = await dial(rig.gateway.port);
    socket.write(`POST ${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 50\r\nexpect: 100-continue\r\n\r\n`);
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('passes over interim answers, and keeps repeated headers apart', async () => {
    const body = JSON.stringify(completion('hi'));
    await using server = await rawServer((socket) =>
      socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
    );
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const got = await call(rig.url + PATH, { body: chat() });
    expect(got).toMatchObject({ status: 200, text: body });
    expect(got.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(got.headers).not.toHaveProperty('link');
  });

  it.each([
    ['less than it says', 'content-length: 500\r\n\r\n{"id":1}'],
    ['a chunk that is cut short', 'transfer-encoding: chunked\r\n\r\nff\r\n{"id"'],
    ['no HTTP at all', undefined],
  ])('never takes a broken answer for a whole one: %s', async (_what, rest) => {
    await using server = await rawServer((socket) => socket.end(rest === undefined ? 'nonsense\r\n\r\n' : `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${rest}`));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    await expect(call(rig.url + PATH, { body: chat() })).rejects.toThrow('socket hang up');
    expect(await rig.statuses()).toEqual([rest === undefined ? 'network_error' : 'cut']);
  });

  it.each([
    ['a chunk that is cut short', 'transfer-encoding: chunked\r\n\r\nff\r\ndata: {"choices"'],
    ['a chunk with no length', 'transfer-encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\nzz\r\n'],
  ])('breaks a stream off where the provider sends %s', async (_what, rest) => {
    await using server = await rawServer((socket) => socket.end(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${rest}`));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    expect(await call(rig.url + PATH, { body: chat({ stream: true, stream_options: { include_usage: true } }) })).toMatchObject({ status: 200, cut: true });
    expect((await rig.settled(1))[0]!.settlement?.status).toBe('cut');
  });

  it('does not end a broken stream for a client that would take the close of the connection for its end', async () => {
    await using server = await rawServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:\r\nff\r\n'));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const socket = await dial(rig.gateway.port);
    let failure = '';
    socket.on('error', (error: NodeJS.ErrnoException) => (failure = error.code ?? ''));
    const body = JSON.stringify(chat({ stream: true, stream_options: { include_usage: true } }));
    socket.write(`POST ${PATH} HTTP/1.0\r\nhost: 127.0.0.1\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await readToEnd(socket);
    expect(failure).toBe('ECONNRESET');
  });

  it('forwards what is no call of a model, with any method and body, uncounted', async () => {
    const upload = Buffer.alloc(300_000, 'ü');
    await using server = await listen((request, response) => {
      let size = 0;
      request.on('data', (chunk: Buffer) => (size += chunk.length));
      request.on('end', () => {
        response.writeHead(request.method === 'DELETE' ? 204 : 201, { 'x-seen': `${request.method} ${request.url} ${size} ${request.headers['content-length']}`, ...(request.method === 'DELETE' ? {} : { 'content-type': 'text/plain' }) });
        response.end(request.method === 'HEAD' || request.method === 'DELETE' ? undefined : 'done');
      });
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const seen = async (method: string, path: string, body?: Buffer): Promise<unknown[]> => {
      const got = await call(rig.url + path, { method, ...(body === undefined ? {} : { body }) });
      return [got.status, got.headers['x-seen'], got.text];
    };
    expect(await seen('GET', '/v1/models?x=%20')).toEqual([201, 'GET /v1/models?x=%20 0 undefined', 'done']);
    expect(await seen('HEAD', '/v1/models')).toEqual([201, 'HEAD /v1/models 0 undefined', '']);
    expect(await seen('DELETE', '/v1/files/f')).toEqual([204, 'DELETE /v1/files/f 0 undefined', '']);
    expect(await seen('POST', '/v1/files', upload)).toEqual([201, `POST /v1/files ${upload.length} ${upload.length}`, 'done']);
    expect(await seen('OPTIONS', '/v1/files')).toEqual([201, 'OPTIONS /v1/files 0 undefined', 'done']);
    expect(await rig.rows()).toEqual([]);
    expect(rig.gateway.figures()).toMatchObject({ uncounted: 5, calls: 0 });
    expect(rig.warnings).toEqual([]);
  });

  it('gives on an answer that comes before the request has been sent', async () => {
    await using server = await listen((_request, response) => {
      response.writeHead(403, { 'content-type': 'application/json', connection: 'close' });
      response.end('{"error":"no"}');
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const socket = await dial(rig.gateway.port);
    socket.write('POST /v1/files HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000000\r\n\r\nx');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await until(() => text.includes('{"error":"no"}'));
    expect(text).toMatch(/^HTTP\/1\.1 403 /);
    socket.destroy();
  });

  it('warns once of calls that nobody here can read', async () => {
    await using server = await serve(answer(200, { data: [] }));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    for (const path of ['/v1/images/generations', '/v1/images/generations?x=1', '/v1/batches', '/v1/moderations', '/v1/threads/t/runs']) expect((await call(rig.url + path, { body: {} })).status).toBe(200);
    expect(rig.warnings).toEqual([
      expect.stringContaining('/v1/images/generations was let through uncounted'),
      expect.stringContaining('/v1/batches is done later'),
      expect.stringContaining('/v1/moderations was let through uncounted'),
      expect.stringContaining('/v1/threads/t/runs is done later'),
    ]);
    expect(server.received).toHaveLength(5);
  });

  it('refuses WebSockets, whose calls could not be counted, and says so once', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    for (let i = 0; i < 2; i++) {
      const socket = await dial(rig.gateway.port);
      socket.write('GET /s/secret-token/v1/realtime?model=m HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
      const text = await readToEnd(socket);
      expect(text).toMatch(/^HTTP\/1\.1 501 /);
      expect(text).toContain('"code":"websocket"');
    }
    expect(rig.warnings).toEqual(['a WebSocket to /s/…/v1/realtime was refused: calls over it could not be counted']);
    expect(server.received).toEqual([]);
  });

  it('answers a client that offers HTTP/2 on the way', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const socket = await dial(rig.gateway.port);
    const read = readToEnd(socket);
    socket.write(posted(JSON.stringify(chat()), 'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n'));
    await until(() => server.received.length === 1 && rig.gateway.figures().inFlight === 0);
    socket.end();
    expect(await read).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(server.received[0]!.headers).not.toHaveProperty('http2-settings');
  });

  it('is no proxy', async () => {
    await using rig = await openGatewayRig();
    const socket = await dial(rig.gateway.port);
    socket.write('CONNECT api.openai.com:443 HTTP/1.1\r\nhost: api.openai.com:443\r\n\r\n');
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 501 /);
  });

  it('keeps connections, on both sides', async () => {
    const ports = new Set<number>();
    await using server = await listen((request, response) => {
      ports.add(request.socket.remotePort!);
      request.resume().on('end', () => response.end(JSON.stringify(completion('hi'))));
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const socket = await dial(rig.gateway.port);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    for (let i = 1; i <= 3; i++) {
      socket.write(posted(JSON.stringify(chat())));
      await until(() => text.split('HTTP/1.1 200 OK').length === i + 1 && rig.gateway.figures().inFlight === 0);
    }
    expect(ports.size).toBe(1);
    socket.destroy();
  });

  it('passes a stream on to a client without chunks', async () => {
    await using server = await serve(stream(streamOf('hi')));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const socket = await dial(rig.gateway.port);
    const body = JSON.stringify(chat({ stream: true, stream_options: { include_usage: true } }));
    socket.write(`POST ${PATH} HTTP/1.0\r\nhost: 127.0.0.1\r\nte: trailers\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    const text = await readToEnd(socket);
    expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe(streamOf('hi').join(''));
  });
});
