import { Agent, getGlobalDispatcher, Pool, request, RetryAgent, setGlobalDispatcher, stream as npmStream } from 'undici';
import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { withScope } from '../../ledger/index.ts';
import { Budget, type Limiter } from '../../limiter/index.ts';
import type { Store } from '../../store/index.ts';
import { answer, completion, serve, type Handler } from '../testing/server.ts';
import { chatCall, DEPLOYMENT } from '../testing/rig.ts';
import { openUndiciRig } from '../testing/undici-rig.ts';
import { inTheBooks } from './metered-mark.ts';

const ASK = JSON.stringify({ model: 'any-model', messages: [{ role: 'user', content: 'hello' }] });
const PATH = '/v1/chat/completions';

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** A limiter behind a gate. A call that is aborted while it waits there is turned away, as by the real one. */
function behind(closed: Gate, asked: (signal: AbortSignal | undefined) => void = () => {}) {
  return (limiter: Limiter): Limiter => ({
    ...limiter,
    admit: async (call) => {
      asked(call.signal);
      const aborted = new Promise<never>((_resolve, reject) => call.signal?.addEventListener('abort', () => reject(new Error('turned away')), { once: true }));
      await Promise.race([closed.opened, aborted]);
      return limiter.admit(call);
    },
  });
}

function writesAfter(closed: Gate) {
  return (store: Store): Pick<Store, 'write'> => ({
    write: async (...ops) => {
      await closed.opened;
      return store.write(...ops);
    },
  });
}

describe('a call leaves', () => {
  it('only once the limiter admits it', async () => {
    await using server = await serve(answer(200, completion('hi')));
    const closed = gate();
    const asked = vi.fn();
    await using rig = await openUndiciRig({ limiting: behind(closed, asked) });
    const call = fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK });
    await vi.waitFor(() => expect(asked).toHaveBeenCalled());
    expect(server.received).toEqual([]);
    closed.open();
    expect(await (await call).json()).toEqual(completion('hi'));
    await rig.tap.settled();
    expect(await rig.statuses()).toEqual(['ok']);
  });

  it('only once its intent is committed', async () => {
    await using server = await serve(answer(200, completion('hi')));
    const closed = gate();
    const written = vi.fn();
    await using rig = await openUndiciRig({
      writing: (store) => ({
        write: async (...ops) => {
          written();
          return writesAfter(closed)(store).write(...ops);
        },
      }),
    });
    const call = request(`${server.url}${PATH}`, { method: 'POST', body: ASK });
    await vi.waitFor(() => expect(written).toHaveBeenCalled());
    expect(server.received).toEqual([]);
    closed.open();
    await (await call).body.text();
    expect(server.received).toHaveLength(1);
    expect(rig.failures).toEqual([]);
  });

  it('all the same after the longest wait, and is charged to the limiter then', async () => {
    const first = gate();
    await using server = await serve(
      async (response, ...rest) => {
        await first.opened;
        return answer(200, completion('late'))(response, ...rest);
      },
      answer(200, completion('hi')),
    );
    await using rig = await openUndiciRig({ limits: { concurrency: 1 }, tap: { longestWaitMs: 30 } });
    const slow = fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK });
    await vi.waitFor(() => expect(server.received).toHaveLength(1));
    expect(await (await fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK })).json()).toEqual(completion('hi'));
    first.open();
    await (await slow).text();
    await rig.tap.settled();
    expect(await rig.statuses()).toEqual(['ok', 'ok']);
    expect(rig.limiter.statsOf(`compat/${new URL(server.url).host}/any-model`).cumulative_tokens).toBe(32);
  });

  it('not when a budget is spent: the caller sees why', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openUndiciRig({ tap: { budgets: [new Budget({ calls: 1 })] } });
    await (await fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK })).text();
    await rig.tap.settled();
    await expect(fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK })).rejects.toMatchObject({ message: 'fetch failed', cause: { code: 'budget_exhausted' } });
    await expect(request(`${server.url}${PATH}`, { method: 'POST', body: ASK })).rejects.toMatchObject({ code: 'budget_exhausted' });
    expect(server.received).toHaveLength(1);
    expect(await rig.statuses()).toEqual(['ok']);
    expect(rig.failures).toEqual([]);
  });
});

describe('a caller who gives up', () => {
  const ways: Readonly<Record<string, (url: string, signal: AbortSignal) => Promise<unknown>>> = {
    fetch: (url, signal) => fetch(url, { method: 'POST', body: ASK, signal }),
    request: (url, signal) => request(url, { method: 'POST', body: ASK, signal }),
    stream: (url, signal) => npmStream(url, { method: 'POST', body: ASK, signal }, () => new PassThrough()),
  };
  for (const [name, call] of Object.entries(ways)) {
    it(`while the call waits is told at once, and nothing leaves (${name})`, async () => {
      await using server = await serve(answer(200, completion('hi')));
      const closed = gate();
      const signals: (AbortSignal | undefined)[] = [];
      await using rig = await openUndiciRig({ limiting: behind(closed, (signal) => signals.push(signal)) });
      const abort = new AbortController();
      const told = call(`${server.url}${PATH}`, abort.signal).catch((error: unknown) => error);
      await vi.waitFor(() => expect(signals).toHaveLength(1));
      abort.abort();
      expect(await told).toMatchObject({ name: 'AbortError' });
      await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true));
      await rig.tap.settled();
      expect(server.received).toEqual([]);
      expect(await rig.rows()).toEqual([]);
      expect(rig.failures).toEqual([]);
    });
  }

  it('while the intent is being committed leaves a row that says so, and nothing leaves', async () => {
    await using server = await serve(answer(200, completion('hi')));
    const closed = gate();
    const written = vi.fn();
    await using rig = await openUndiciRig({
      writing: (store) => ({
        write: async (...ops) => {
          written();
          return writesAfter(closed)(store).write(...ops);
        },
      }),
    });
    const abort = new AbortController();
    const told = request(`${server.url}${PATH}`, { method: 'POST', body: ASK, signal: abort.signal }).catch((error: unknown) => error);
    await vi.waitFor(() => expect(written).toHaveBeenCalled());
    abort.abort();
    closed.open();
    expect(await told).toMatchObject({ name: 'AbortError' });
    await rig.tap.settled();
    expect(await rig.statuses()).toEqual(['aborted']);
    expect(server.received).toEqual([]);
  });
});

describe('when the books fail', () => {
  const broken = (): Pick<Store, 'write'> => ({ write: () => Promise.reject(new Error('disk full')) });

  it('the call leaves uncounted, and that is told', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openUndiciRig({ writing: broken });
    expect(await (await fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK })).json()).toEqual(completion('hi'));
    await rig.tap.settled();
    expect(server.received).toHaveLength(1);
    expect(rig.failures).toMatchObject([{ message: 'disk full' }]);
  });

  it('the call does not leave where that is asked for', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openUndiciRig({ writing: broken, tap: { strict: true } });
    await expect(fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK })).rejects.toMatchObject({ cause: { message: 'disk full' } });
    expect(server.received).toEqual([]);
    expect(rig.failures).toMatchObject([{ message: 'disk full' }]);
  });
});

describe('whose a call is', () => {
  it('is what surrounds it when it is made, on connections that are used again and again', async () => {
    const echo: Handler = (response, { json }) => answer(200, completion('hi', { model: String(json['model']) }))(response, {} as never, 0);
    await using server = await serve(echo);
    await using rig = await openUndiciRig();
    const pool = new Pool(server.url, { connections: 3 });
    const names = Array.from({ length: 60 }, (_, i) => `trial-${i}`);
    await Promise.all(
      names.map((trial) =>
        withScope({ trial }, async () => {
          for (let turn = 0; turn < 3; turn++) await (await pool.request({ method: 'POST', path: PATH, body: ASK.replace('any-model', trial) })).body.text();
        }),
      ),
    );
    await pool.destroy();
    await rig.tap.settled();
    const rows = await rig.rows();
    expect(rows).toHaveLength(180);
    expect(rows.filter(({ intent, settlement }) => intent.scope.trial !== settlement?.modelAnswered)).toEqual([]);
  });

  it('stays the same for the retries of an agent, which are made on another’s socket', async () => {
    let busy = 12;
    const handler: Handler = (response, { json }, index) => (busy-- > 0 ? answer(503, { error: { message: 'busy' } }) : answer(200, completion('hi', { model: String(json['model']) })))(response, { json } as never, index);
    await using server = await serve(handler);
    await using rig = await openUndiciRig();
    const agent = new RetryAgent(new Agent({ connections: 2 }), { methods: ['POST'], minTimeout: 1, maxTimeout: 5, maxRetries: 20 });
    const names = Array.from({ length: 8 }, (_, i) => `trial-${i}`);
    await Promise.all(names.map((trial) => withScope({ trial }, async () => (await request(`${server.url}${PATH}`, { method: 'POST', body: ASK.replace('any-model', trial), dispatcher: agent })).body.text())));
    await agent.destroy();
    await rig.tap.settled();
    const rows = await rig.rows();
    expect(rows).toHaveLength(server.received.length);
    expect(rows.filter(({ intent }) => intent.scope.trial !== intent.modelAsked)).toEqual([]);
  });
});

describe('a call is entered once', () => {
  it('where transport has entered it', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openUndiciRig();
    await rig.transport.send(chatCall(server.url));
    await rig.tap.settled();
    const { intent } = await rig.row();
    expect(intent.deployment).toBe(DEPLOYMENT);
    expect(intent.via).toBeUndefined();
  });

  it('not at all where it is marked as being in the books', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openUndiciRig();
    await (await request(`${server.url}${PATH}`, { method: 'POST', body: ASK, ...inTheBooks })).body.text();
    await rig.tap.settled();
    expect(await rig.rows()).toEqual([]);
  });

  it('where two taps are on', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using outer = await openUndiciRig();
    await using inner = await openUndiciRig();
    await (await fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK })).text();
    await Promise.all([outer.tap.settled(), inner.tap.settled()]);
    expect([...(await outer.rows()), ...(await inner.rows())]).toHaveLength(1);
  });

  it('where the global dispatcher was set after the tap', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openUndiciRig({ tap: { budgets: [new Budget({ calls: 2 })] } });
    const before = getGlobalDispatcher();
    const own = new Agent();
    try {
      setGlobalDispatcher(own);
      await (await fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK })).text();
      await (await request(`${server.url}${PATH}`, { method: 'POST', body: ASK })).body.text();
      await rig.tap.settled();
      await expect(fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK })).rejects.toMatchObject({ cause: { code: 'budget_exhausted' } });
    } finally {
      setGlobalDispatcher(before);
      await own.destroy();
    }
    expect(await rig.statuses()).toEqual(['ok', 'ok']);
  });

  it('and settled, where the tap is taken off meanwhile', async () => {
    const closed = gate();
    await using server = await serve(async (response, ...rest) => {
      await closed.opened;
      return answer(200, completion('hi'))(response, ...rest);
    });
    await using rig = await openUndiciRig();
    const call = fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK });
    await vi.waitFor(() => expect(server.received).toHaveLength(1));
    rig.tap.remove();
    closed.open();
    await (await call).text();
    await rig.tap.settled();
    expect(await rig.statuses()).toEqual(['ok']);
    await (await fetch(`${server.url}${PATH}`, { method: 'POST', body: ASK })).text();
    expect(await rig.statuses()).toEqual(['ok']);
  });
});

describe('what goes to a gateway of ours', () => {
  for (const [name, call] of Object.entries({
    fetch: (url: string) => fetch(`${url}${PATH}`, { method: 'POST', body: ASK, headers: { 'x-own': '1' } }).then((response) => response.text()),
    pool: async (url: string) => {
      const pool = new Pool(url);
      await (await pool.request({ method: 'POST', path: PATH, body: ASK, headers: ['x-own', '1'] })).body.text();
      await pool.destroy();
    },
  })) {
    it(`is left to it, which is told whom it is charged to (${name})`, async () => {
      await using server = await serve(answer(200, completion('hi')));
      await using rig = await openUndiciRig({ tap: { gatewayUrl: `${server.url}/s/token` } });
      await withScope({ trial: 'trial 7', role: 'judge' }, () => withScope({ branch: 'left' }, () => call(server.url)));
      await rig.tap.settled();
      expect(await rig.rows()).toEqual([]);
      expect(server.received[0]?.headers).toMatchObject({ 'x-own': '1', 'x-assay-trial': 'trial%207', 'x-assay-role': 'judge', 'x-assay-branch': 'left', 'x-assay-fork': expect.stringMatching(/^[0-9A-Z]{26}$/) });
    });
  }
});

describe('what cannot be counted', () => {
  it('is told once for each host and module', async () => {
    await using server = await serve(answer(200, {}));
    await using rig = await openUndiciRig();
    const dispatcher = new Agent({ connect: { lookup: (_host, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]) } });
    const url = `http://api.cohere.com:${server.port}/v1/rerank`;
    for (let i = 0; i < 3; i++) await (await request(url, { method: 'POST', body: ASK, dispatcher })).body.text();
    await dispatcher.destroy();
    expect(rig.uncounted).toEqual([{ host: `api.cohere.com:${server.port}`, path: '/v1/rerank', module: expect.any(String), reason: expect.stringContaining('wire format') }]);
    expect(await rig.rows()).toEqual([]);
  });
});
