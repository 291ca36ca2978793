import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { connect, type AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type undici from 'undici';
import { Agent, Client, fetch as npmFetch, FormData, interceptors, MockAgent, Pool, ProxyAgent, request, RetryAgent, stream as npmStream } from 'undici';
import { describe, expect, it } from 'vitest';
import { answer, completion, serve } from '../testing/server.ts';
import { openUndiciRig } from '../testing/undici-rig.ts';

const ASK = JSON.stringify({ model: 'any-model', messages: [{ role: 'user', content: 'grüße 👋 to you' }] });
const PATH = '/v1/chat/completions';
const older = createRequire(createRequire(import.meta.url).resolve('@ai-sdk/azure'))('undici') as typeof undici;

/** Every way out there is, with one call; returns what it read. */
const CLIENTS: Readonly<Record<string, (url: string) => Promise<string>>> = {
  'fetch': async (url) => (await fetch(url, { method: 'POST', body: ASK })).text(),
  'fetch with a Request': async (url) => (await fetch(new Request(url, { method: 'POST', body: ASK }))).text(),
  'fetch with bytes': async (url) => (await fetch(url, { method: 'POST', body: new TextEncoder().encode(ASK) })).text(),
  'fetch with a Blob': async (url) => (await fetch(url, { method: 'POST', body: new Blob([ASK]) })).text(),
  'fetch with a web stream': async (url) => (await fetch(url, { method: 'POST', body: new Blob([ASK]).stream(), duplex: 'half' })).text(),
  'fetch of the package': async (url) => (await npmFetch(url, { method: 'POST', body: ASK })).text(),
  'request': async (url) => (await request(url, { method: 'POST', body: ASK })).body.text(),
  'request with a Buffer': async (url) => (await request(url, { method: 'POST', body: Buffer.from(ASK) })).body.text(),
  'request with a stream': async (url) => (await request(url, { method: 'POST', body: Readable.from([Buffer.from(ASK.slice(0, 40)), Buffer.from(ASK.slice(40))]) })).body.text(),
  'request with a compressed body': async (url) => (await request(url, { method: 'POST', headers: { 'content-encoding': 'gzip' }, body: gzipSync(ASK) })).body.text(),
  'request with an agent of its own': (url) => using(new Agent({ connections: 1 }), async (dispatcher) => (await request(url, { method: 'POST', body: ASK, dispatcher })).body.text()),
  'a pool': (url) => using(new Pool(new URL(url).origin), async (pool) => (await pool.request({ method: 'POST', path: PATH, body: ASK })).body.text()),
  'a client': (url) => using(new Client(new URL(url).origin), async (client) => (await client.request({ method: 'POST', path: PATH, body: ASK })).body.text()),
  'composed interceptors': (url) => using(new Agent().compose(interceptors.redirect(), interceptors.retry()), async (dispatcher) => (await request(url, { method: 'POST', body: ASK, dispatcher })).body.text()),
  'stream': async (url) => {
    const sink = new PassThrough();
    const whole = text(sink);
    await npmStream(url, { method: 'POST', body: ASK }, () => sink);
    return whole;
  },
  'an older undici': async (url) => (await older.request(url, { method: 'POST', body: ASK })).body.text(),
  'an older undici with an agent of its own': (url) => using(new older.Agent(), async (dispatcher) => (await older.request(url, { method: 'POST', body: ASK, dispatcher })).body.text()),
  'fetch with an agent of an older undici': (url) => using(new older.Agent(), async (dispatcher) => (await fetch(url, { method: 'POST', body: ASK, dispatcher } as unknown as RequestInit)).text()),
};

async function using<D extends { destroy(): Promise<unknown> }, T>(dispatcher: D, use: (dispatcher: D) => Promise<T>): Promise<T> {
  try {
    return await use(dispatcher);
  } finally {
    await dispatcher.destroy();
  }
}

async function text(readable: Readable): Promise<string> {
  return Buffer.concat((await readable.toArray()) as Buffer[]).toString();
}

describe('calls through undici are entered once, whatever the client', () => {
  for (const [name, call] of Object.entries(CLIENTS)) {
    it(`by ${name}`, async () => {
      await using server = await serve(answer(200, completion('hi')));
      await using rig = await openUndiciRig();
      const read = await call(`${server.url}${PATH}`);
      await rig.tap.settled();
      const row = await rig.row();
      expect(server.received).toHaveLength(1);
      expect(row.intent).toMatchObject({ via: 'undici', protocol: 'openai-chat', modelAsked: 'any-model', deployment: `compat/${new URL(server.url).host}/any-model`, retry: 0, target: null });
      expect(row.settlement).toMatchObject({ status: 'ok', httpStatus: 200, modelAnswered: 'any-model-2026', usage: { inputFresh: 11, outputText: 5, source: 'reported' } });
      expect(JSON.parse(read)).toEqual(completion('hi'));
      const { body, headers } = server.received[0]!;
      expect(body === ASK || headers['content-encoding'] === 'gzip').toBe(true);
      expect(rig.failures).toEqual([]);
    });
  }
});

describe('what a retrying, redirecting or proxying dispatcher does', () => {
  it('enters each request of a retrying agent', async () => {
    await using server = await serve(answer(503, { error: { message: 'busy' } }), answer(503, { error: { message: 'busy' } }), answer(200, completion('hi')));
    await using rig = await openUndiciRig();
    const agent = new RetryAgent(new Agent(), { methods: ['POST'], minTimeout: 1, maxTimeout: 1 });
    const read = await using(agent, async (dispatcher) => (await request(`${server.url}${PATH}`, { method: 'POST', body: ASK, dispatcher })).body.json());
    expect(read).toEqual(completion('hi'));
    await rig.tap.settled();
    expect(await rig.statuses()).toEqual(['http_error', 'http_error', 'ok']);
    expect(server.received).toHaveLength(3);
  });

  it('enters both requests where fetch follows a redirect that keeps the method', async () => {
    await using server = await serve((response) => void response.writeHead(307, { location: '/again/v1/chat/completions' }).end(), answer(200, completion('hi')));
    await using rig = await openUndiciRig();
    await (await fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK })).text();
    await rig.tap.settled();
    expect(await rig.statuses()).toEqual(['http_error', 'ok']);
  });

  it('enters the request and not the tunnel of a proxy', async () => {
    await using server = await serve(answer(200, completion('hi')));
    const tunnels: string[] = [];
    const tunnel = createServer();
    tunnel.on('connect', (head, socket) => {
      tunnels.push(head.url ?? '');
      const [host, port] = (head.url ?? '').split(':');
      const there = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        there.pipe(socket).pipe(there);
      });
      there.on('error', () => socket.destroy());
      socket.on('error', () => there.destroy());
    });
    tunnel.listen(0, '127.0.0.1');
    await once(tunnel, 'listening');
    await using rig = await openUndiciRig();
    const agent = new ProxyAgent({ uri: `http://127.0.0.1:${(tunnel.address() as AddressInfo).port}`, proxyTunnel: true });
    await using(agent, async (dispatcher) => (await request(`${server.url}${PATH}`, { method: 'POST', body: ASK, dispatcher })).body.text());
    tunnel.close();
    tunnel.closeAllConnections();
    await rig.tap.settled();
    expect(tunnels).toEqual([new URL(server.url).host]);
    expect((await rig.row()).intent.deployment).toBe(`compat/${new URL(server.url).host}/any-model`);
  });

  it('enters nothing for what a mock answers', async () => {
    await using rig = await openUndiciRig();
    const agent = new MockAgent();
    agent.disableNetConnect();
    agent.get('http://model.test').intercept({ path: PATH, method: 'POST' }).reply(200, completion('mocked'));
    const read = await (await request(`http://model.test${PATH}`, { method: 'POST', body: ASK, dispatcher: agent })).body.json();
    expect(read).toEqual(completion('mocked'));
    await rig.tap.settled();
    expect(await rig.rows()).toEqual([]);
  });
});

describe('what is no call of a model passes', () => {
  const others: Readonly<Record<string, (url: string) => Promise<unknown>>> = {
    'a GET': (url) => fetch(`${url}/v1/models`).then((response) => response.text()),
    'another path': (url) => fetch(`${url}/things`, { method: 'POST', body: ASK }).then((response) => response.text()),
    'a form at a path like a model’s': async (url) => {
      const form = new FormData();
      form.set('text', 'hello');
      return using(new Agent(), async (dispatcher) => (await request(`${url}/v1/messages`, { method: 'POST', body: form, dispatcher })).body.text());
    },
    'JSON that names no model and says nothing to one': (url) => fetch(`${url}/v1/messages`, { method: 'POST', body: JSON.stringify({ to: 'you', from: 'me' }) }).then((response) => response.text()),
    'no body': (url) => fetch(`${url}${PATH}`, { method: 'POST' }).then((response) => response.text()),
  };
  for (const [name, call] of Object.entries(others)) {
    it(`unentered: ${name}`, async () => {
      await using server = await serve(answer(200, { ok: true }));
      await using rig = await openUndiciRig();
      await call(server.url);
      await rig.tap.settled();
      expect(server.received).toHaveLength(1);
      expect(await rig.rows()).toEqual([]);
      expect(rig.uncounted).toEqual([]);
    });
  }
});
