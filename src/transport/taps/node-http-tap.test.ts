import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, get, request, type IncomingMessage, type RequestOptions } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { exportScope, runInScope, scopeFromHeaders, Tally, withScope } from '../../ledger/index.ts';
import { openTappedRig } from '../testing/node-http-rig.ts';
import { answer, completion, listen, serve, stream, streamOf, type Server } from '../testing/server.ts';

const PATH = '/v1/chat/completions';

async function ask(url: string, model: string, options: RequestOptions = {}): Promise<string> {
  const call = request(url, { method: 'POST', ...options }).end(JSON.stringify({ model, messages: [{ role: 'user', content: model }] }));
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return text(response);
}

/** Answers each model with a use of its own, late for every other one, now whole, now streamed. */
function serveByModel(): Promise<Server> {
  return serve((response, { json }, index) => {
    const model = String(json['model']);
    const tokens = Number(/\d+/.exec(model)?.[0] ?? 0) + 1;
    const usage = { prompt_tokens: tokens, completion_tokens: 1, total_tokens: tokens + 1 };
    const send = (): void => {
      void (index % 3 === 0 ? stream(streamOf('hi').map((event) => event.replace(/"usage":\{[^}]*\}/, `"usage":${JSON.stringify(usage)}`)))(response, {} as never, index) : answer(200, completion('hi', { usage }))(response, {} as never, index));
    };
    if (index % 2 === 0) setImmediate(() => setImmediate(send));
    else send();
  });
}

describe('the tap on node:http', () => {
  it('keeps 200 concurrent scopes apart over a few connections that are kept alive', async () => {
    await using server = await serveByModel();
    await using rig = await openTappedRig();
    const agent = new Agent({ keepAlive: true, maxSockets: 7 });
    const tallies = Array.from({ length: 200 }, () => new Tally());
    await Promise.all(
      tallies.map((tally, index) =>
        withScope(
          { trial: `trial-${index}` },
          async () => {
            for (let turn = 0; turn < 3; turn++) await withScope({ role: `role-${turn}` }, () => ask(server.url + PATH, `m${index}`, { agent }));
          },
          tally,
        ),
      ),
    );
    await rig.tap.settled();
    agent.destroy();
    const rows = await rig.rows();
    expect(rows).toHaveLength(600);
    expect(server.received).toHaveLength(600);
    for (const { intent, settlement } of rows) {
      expect(intent.scope.trial).toBe(`trial-${intent.modelAsked?.slice(1)}`);
      expect(settlement).toMatchObject({ status: 'ok', usage: { inputFresh: Number(intent.modelAsked?.slice(1)) + 1 } });
    }
    for (const role of ['role-0', 'role-1', 'role-2']) expect(rows.filter(({ intent }) => intent.scope.role === role)).toHaveLength(200);
    tallies.forEach((tally, index) => expect([tally.calls, tally.tokens.prompt_tokens]).toEqual([3, 3 * (index + 1)]));
  });

  it('charges whoever makes a request, not whoever writes it, ends it or reads its answer', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const call = withScope({ trial: 'made' }, () => request(server.url + PATH, { method: 'POST' }));
    withScope({ trial: 'written' }, () => call.write('{"model":'));
    withScope({ trial: 'ended' }, () => call.end('"m"}'));
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    await withScope({ trial: 'read' }, () => text(response));
    await rig.tap.settled();
    expect((await rig.row()).intent.scope).toEqual({ trial: 'made' });
  });

  it('leaves the callers’ own context alone', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const seen = await withScope({ trial: 'mine' }, async () => {
      const call = request(server.url + PATH, { method: 'POST' }).end('{"model":"m"}');
      return new Promise((resolve) => call.on('response', (response) => void response.resume().on('end', () => resolve(JSON.parse(exportScope())))));
    });
    expect(seen).toEqual({ trial: 'mine' });
    await rig.tap.settled();
    expect(await rig.statuses()).toEqual(['ok']);
  });

  it('names what is asked for through a proxy by where it goes, not by the proxy', async () => {
    await using proxy = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const { default: axios } = await import('axios');
    await axios.post('http://api.openai.com/v1/chat/completions', { model: 'm' }, { adapter: 'http', proxy: { protocol: 'http', host: '127.0.0.1', port: proxy.port } });
    await rig.tap.settled();
    expect(proxy.received.map(({ url }) => url)).toEqual(['http://api.openai.com/v1/chat/completions']);
    expect((await rig.row()).intent.deployment).toBe('openai/api.openai.com/m');
  });

  it('enters what goes through a socket of the file system', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'assay-socket-'));
    const socketPath = join(folder, 'model.sock');
    const server = createServer((incoming, response) => void incoming.resume().on('end', () => response.setHeader('content-type', 'application/json').end(JSON.stringify(completion('hello')))));
    await new Promise<void>((resolve) => void server.listen(socketPath, resolve));
    try {
      await using rig = await openTappedRig();
      await ask(`http://localhost${PATH}`, 'm', { socketPath });
      await rig.tap.settled();
      expect(await rig.row()).toMatchObject({ intent: { deployment: 'compat/localhost/m' }, settlement: { status: 'ok' } });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('enters what is redirected request by request', async () => {
    await using server = await serve((response) => void response.writeHead(307, { location: `${PATH}?again` }).end(), answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const { default: axios } = await import('axios');
    const { data } = await axios.post(server.url + PATH, { model: 'm' }, { adapter: 'http' });
    expect(data).toEqual(completion('hello'));
    await rig.tap.settled();
    expect((await rig.rows()).map(({ settlement }) => [settlement?.status, settlement?.httpStatus])).toEqual([['http_error', 307], ['ok', 200]]);
  });

  it('does not enter what goes to our gateway, and tells it whose it is', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig({ tap: { gatewayUrl: server.url } });
    const fork = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    await runInScope(JSON.stringify({ trial: 'ünï 1', branch: 'a', role: 'judge', forks: [fork] }), async () => {
      await ask(`${server.url}/s/token${PATH}`, 'm');
      await ask(server.url + PATH, 'm', { headers: { 'x-assay-role': 'mine' } });
      await ask(`${server.url}/other`, 'm');
      await ask(server.url + PATH, 'm', { headers: ['Host', 'somewhere', 'X-Mine', '1'] as never });
    });
    await rig.tap.settled();
    expect(await rig.rows()).toEqual([]);
    const [first, second, other, listed] = server.received.map(({ headers }) => scopeFromHeaders((name) => headers[name] as string | undefined));
    expect(first).toEqual({ scope: { trial: 'ünï 1', branch: 'a', role: 'judge' }, forks: [{ branch: 'a', id: fork }] });
    expect(second!.scope.role).toBe('mine');
    expect(other!.scope).toEqual({});
    expect(listed!.scope).toEqual({});
  });

  it('lets everything else pass: other methods, other paths', async () => {
    await using server = await listen((incoming, response) => void incoming.resume().on('end', () => response.end('fine')));
    await using rig = await openTappedRig();
    const [response] = (await once(get(server.url + PATH), 'response')) as [IncomingMessage];
    expect(await text(response)).toBe('fine');
    for (const path of ['/', '/v1/models', '/v1/messages/count_tokens', '/forms/7/responses']) expect(await ask(server.url + path, 'm')).toBe('fine');
    await rig.tap.settled();
    expect(await rig.rows()).toEqual([]);
    expect(rig.uncounted).toEqual([]);
  });

  it('tells once of a host and module whose model calls nobody can read', async () => {
    await using rig = await openTappedRig();
    // Nothing of this reaches the network: it is given up before it is connected.
    const unreadable = (path: string): void => {
      const call = request(`http://api.cohere.com${path}`, { method: 'POST', agent: false, createConnection: () => undefined });
      call.on('error', () => undefined);
      call.destroy();
    };
    unreadable('/v2/rerank');
    unreadable('/v2/classify');
    // Made elsewhere, by the looks of it: this test's own file is one of Assay's.
    const elsewhere = compileFunction('run()', ['run'], { filename: '/app/node_modules/cohere-ai/index.js' }) as (run: () => void) => void;
    elsewhere(() => unreadable('/v2/rerank'));
    expect(rig.uncounted).toEqual([
      expect.objectContaining({ host: 'api.cohere.com', path: '/v2/rerank', reason: 'its wire format is none that can be read' }),
      expect.objectContaining({ host: 'api.cohere.com', module: 'cohere-ai' }),
    ]);
    expect(fileURLToPath(import.meta.url)).toContain('/src/');
  });

  it('enters a call once though two taps are on: in the books of the one that came last', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using outer = await openTappedRig();
    {
      await using inner = await openTappedRig();
      await ask(server.url + PATH, 'm');
      await inner.tap.settled();
      expect(await inner.rows()).toHaveLength(1);
    }
    expect(await outer.rows()).toEqual([]);
    await ask(server.url + PATH, 'm');
    await outer.tap.settled();
    expect(await outer.rows()).toHaveLength(1);
  });

  it('still settles what was under way when it is taken off, and enters nothing after', async () => {
    const let_go = Promise.withResolvers<void>();
    await using server = await serve(async (response) => {
      await let_go.promise;
      await answer(200, completion('hello'))(response, {} as never, 0);
    });
    await using rig = await openTappedRig();
    const begun = request(server.url + PATH, { method: 'POST' });
    const under = ask(server.url + PATH, 'm');
    rig.tap.remove();
    rig.tap.remove();
    begun.end('{"model":"late"}');
    const after = ask(server.url + PATH, 'm');
    let_go.resolve();
    await Promise.all([under, after, once(begun, 'response')]);
    begun.destroy();
    await rig.tap.settled();
    expect((await rig.row()).settlement?.status).toBe('ok');
  });

  it('costs a request that is no model call next to nothing', async () => {
    const { channel } = await import('node:diagnostics_channel');
    await using rig = await openTappedRig();
    const created = channel('http.client.request.created');
    const cost = (message: object): number => {
      const rounds = 20_000;
      const times = Array.from({ length: 9 }, () => {
        const from = performance.now();
        for (let i = 0; i < rounds; i++) created.publish(message);
        return ((performance.now() - from) * 1_000) / rounds;
      });
      return times.toSorted((a, b) => a - b)[4]!;
    };
    const fake = (method: string, path: string): object => ({ request: { method, path, host: 'example.com', protocol: 'https:', getHeader: () => 'example.com' } });
    expect(cost(fake('GET', PATH))).toBeLessThan(1);
    expect(cost(fake('POST', '/api/items?page=2'))).toBeLessThan(5);
    expect(rig.tap.inFlight).toBe(0);
  });
});
