import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AssayError, type Run, type Scope } from '../core/index.ts';
import { Budget } from '../limiter/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { answer, completion, serve, stream, streamOf, type Handler } from '../transport/testing/server.ts';
import type { GatewayScope } from './contract.ts';
import { answerKey } from './replay-book.ts';
import { openAiAt, openGatewayRig, storeWith, type GatewayRig, type GatewayRigOptions } from './testing/gateway-rig.ts';
import { call, chat, dial, until } from './testing/wire.ts';

const PATH = '/v1/chat/completions';
const RUN: Run = { id: 'run-1', status: 'running', reason: null, name: null, suites: [], targets: [], config: {}, seed: 1, engagement: null, simulated: false, planned: null, resumes: 0, createdAt: 1, startedAt: 1, endedAt: null };

/** Answers no two requests alike. */
const numbered: Handler = (response, request, index) => answer(200, completion(`answer ${index}`), { 'x-request-id': `req_${index}`, 'set-cookie': 'a=1', 'x-ratelimit-remaining-requests': '9' })(response, request, index);

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-replay-'));
  store = await openStore(`sqlite:${join(folder, 'assay.db')}`);
  await store.write({ op: 'run.insert', run: RUN });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

/** A gateway as one life of a run has it. */
async function life(url: string, { lookUp = true, scope = { trial: 't' }, ...options }: GatewayRigOptions & { readonly lookUp?: boolean; readonly scope?: Scope } = {}): Promise<{ readonly rig: GatewayRig; readonly scope: GatewayScope } & AsyncDisposable> {
  const rig = await openGatewayRig({ upstreams: [openAiAt(url)], on: store, ...options });
  return { rig, scope: rig.gateway.openScope({ runId: RUN.id, ...scope }, { replay: { runId: RUN.id, lookUp } }), [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
}

function textOf(got: { readonly json: Record<string, unknown> }): string {
  return (got.json as { choices: [{ message: { content: string } }] }).choices[0].message.content;
}

describe('a run that starts again', () => {
  it('gets the answers that it already had, in their order, and asks on where they end', async () => {
    await using server = await serve(numbered);
    {
      await using first = await life(server.url, { lookUp: false });
      for (let i = 0; i < 2; i++) expect(textOf(await call(first.scope.url + PATH, { body: chat() }))).toBe(`answer ${i}`);
      expect(textOf(await call(first.scope.url + PATH, { body: chat({ seed: 7 }) }))).toBe('answer 2');
    }
    await using again = await life(server.url);
    const replayed = await call(again.scope.url + PATH, { body: chat() });
    expect(textOf(replayed)).toBe('answer 0');
    expect(replayed.headers).toMatchObject({ 'x-assay-replayed': '1', 'content-type': 'application/json', 'x-request-id': 'req_0' });
    for (const passing of ['set-cookie', 'x-ratelimit-remaining-requests', 'x-assay-tokens-total']) expect(replayed.headers).not.toHaveProperty(passing);
    expect(textOf(await call(again.scope.url + PATH, { body: chat({ seed: 7 }) }))).toBe('answer 2');
    expect(textOf(await call(again.scope.url + PATH, { body: chat() }))).toBe('answer 1');
    expect(server.received).toHaveLength(3);
    const live = await call(again.scope.url + PATH, { body: chat() });
    expect(textOf(live)).toBe('answer 3');
    expect(live.headers).not.toHaveProperty('x-assay-replayed');

    const rows = await again.rig.rows();
    expect(rows.map(({ settlement }) => settlement?.status)).toEqual(['ok', 'ok', 'ok', 'replayed', 'replayed', 'replayed', 'ok']);
    expect(rows[3]).toMatchObject({ intent: { id: replayed.headers['x-assay-call'], via: 'gateway', reservedTokens: 0, scope: { runId: RUN.id, trial: 't' } }, settlement: { costUsd: 0, usage: { inputFresh: 0, outputText: 0 } } });
    const sums = (await store.sumCalls({ runId: RUN.id }, 'all')).values().next().value!;
    expect(sums).toMatchObject({ calls: { total: 4, replayed: 3, ok: 4 }, total_tokens: 64, unknown_calls: 0 });
    expect(again.rig.gateway.figures()).toMatchObject({ calls: 1, replayed: 3 });
  });

  it('gets a stream as a stream, without the usage that it did not ask for', async () => {
    const events = streamOf('hello');
    await using server = await serve(stream(events));
    const [plain, asking] = [chat({ stream: true }), chat({ stream: true, stream_options: { include_usage: true } })];
    {
      await using first = await life(server.url);
      for (const body of [plain, asking]) await call(first.scope.url + PATH, { body });
      await first.rig.settled(2);
    }
    await using again = await life(server.url);
    const got = await call(again.scope.url + PATH, { body: plain });
    expect(got).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream', 'x-assay-replayed': '1' } });
    expect(got.text).toBe(events.filter((each) => !each.includes('"usage"')).join(''));
    expect((await call(again.scope.url + PATH, { body: asking })).text).toBe(events.join(''));
    expect(server.received).toHaveLength(2);
  });

  it('gets the refusal of a content filter again, but no failure', async () => {
    const blocked = { error: { message: 'filtered', code: 'content_filter' } };
    await using server = await serve(answer(429, { error: { message: 'slow' } }), answer(400, blocked), answer(500, {}), numbered);
    {
      await using first = await life(server.url);
      const statuses = [];
      for (let i = 0; i < 3; i++) statuses.push((await call(first.scope.url + PATH, { body: chat() })).status);
      expect(statuses).toEqual([429, 400, 500]);
    }
    await using again = await life(server.url);
    expect(await call(again.scope.url + PATH, { body: chat() })).toMatchObject({ status: 400, json: blocked, headers: { 'x-assay-replayed': '1' } });
    expect(textOf(await call(again.scope.url + PATH, { body: chat() }))).toBe('answer 3');
  });

  it('keeps no answer that the client broke off or the provider cut', async () => {
    await using server = await serve(
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(streamOf('x')[0], () => response.destroy());
      },
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(streamOf('x')[0]);
      },
      stream(streamOf('whole')),
    );
    const body = JSON.stringify(chat({ stream: true, stream_options: { include_usage: true } }));
    {
      await using first = await life(server.url);
      expect((await call(first.scope.url + PATH, { body })).cut).toBe(true);
      const socket = await dial(first.rig.gateway.port);
      socket.write(`POST /s/${first.scope.token}${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      await until(() => server.received.length === 2);
      socket.destroy();
      await first.rig.settled(2);
    }
    await using again = await life(server.url);
    expect((await call(again.scope.url + PATH, { body })).text).toBe(streamOf('whole').join(''));
  });

  it('gives each answer once, however many ask at the same time', async () => {
    await using server = await serve(numbered);
    {
      await using first = await life(server.url);
      for (let i = 0; i < 10; i++) await call(first.scope.url + PATH, { body: chat() });
    }
    await using again = await life(server.url);
    const got = await Promise.all(Array.from({ length: 25 }, () => call(again.scope.url + PATH, { body: chat() })));
    const replayed = got.filter(({ headers }) => headers['x-assay-replayed'] === '1').map(textOf);
    expect(replayed.toSorted()).toEqual(Array.from({ length: 10 }, (_, i) => `answer ${i}`).toSorted());
    expect(new Set(got.map(textOf)).size).toBe(25);
    expect(server.received).toHaveLength(25);
    // All are kept for the next time.
    expect([...(await store.answerCounts(RUN.id)).values()]).toEqual([25]);
  });

  it('asks anew where a request says so, and uses its turn up', async () => {
    await using server = await serve(numbered);
    {
      await using first = await life(server.url);
      for (let i = 0; i < 2; i++) await call(first.scope.url + PATH, { body: chat() });
    }
    {
      await using again = await life(server.url);
      expect(textOf(await call(again.scope.url + PATH, { body: chat(), headers: { 'x-assay-no-replay': '1' } }))).toBe('answer 2');
      expect(textOf(await call(again.scope.url + PATH, { body: chat() }))).toBe('answer 1');
      expect(server.received.at(-1)!.headers).not.toHaveProperty('x-assay-no-replay');
    }
    await using third = await life(server.url);
    const texts = [];
    for (let i = 0; i < 3; i++) texts.push(textOf(await call(third.scope.url + PATH, { body: chat() })));
    expect(texts).toEqual(['answer 0', 'answer 1', 'answer 2']);
  });

  it('asks everything anew where answers are not to be looked up, and keeps those too', async () => {
    await using server = await serve(numbered);
    for (const lookUp of [false, false]) {
      await using each = await life(server.url, { lookUp });
      await call(each.scope.url + PATH, { body: chat() });
    }
    expect(server.received).toHaveLength(2);
    expect([...(await store.answerCounts(RUN.id)).values()]).toEqual([2]);
  });

  it('draws on no budget where nothing leaves', async () => {
    await using server = await serve(numbered);
    {
      await using first = await life(server.url);
      await call(first.scope.url + PATH, { body: chat() });
    }
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], on: store });
    const budget = new Budget({ calls: 1 });
    const scope = rig.gateway.openScope({ runId: RUN.id, trial: 't' }, { replay: { runId: RUN.id, lookUp: true }, budgets: [budget] });
    expect((await call(scope.url + PATH, { body: chat() })).headers['x-assay-replayed']).toBe('1');
    expect((await call(scope.url + PATH, { body: chat() })).headers['x-assay-replayed']).toBeUndefined();
    expect((await call(scope.url + PATH, { body: chat() })).status).toBe(429);
  });

  it('gets no answer that cannot be put into the books', async () => {
    await using server = await serve(numbered);
    {
      await using first = await life(server.url);
      await call(first.scope.url + PATH, { body: chat() });
    }
    await using again = await life(server.url, { storing: (inner) => storeWith(inner, { writeSoon: () => Promise.reject(new AssayError({ code: 'store_full', message: 'full' })) }) });
    expect((await call(again.scope.url + PATH, { body: chat() })).status).toBe(503);
  });

  it('leaves what is no model call to the provider', async () => {
    await using server = await serve(answer(200, { data: [] }));
    await using first = await life(server.url);
    for (let i = 0; i < 2; i++) await call(`${first.scope.url}/v1/models`, { method: 'GET' });
    expect(server.received).toHaveLength(2);
    expect((await store.answerCounts(RUN.id)).size).toBe(0);
  });
});

describe('which request is the same', () => {
  const asked = { scope: { runId: 'r', goalIndex: 1, trial: 't' }, upstream: 'openai', method: 'POST', path: PATH, body: '{"model":"m","n":[1,{"b":2,"a":1}]}' };

  it.each([
    ['key order and spaces', { body: '{ "n": [1, {"a": 1, "b": 2}],\n "model": "m" }' }],
    ['another run, attempt or fork', { scope: { ...asked.scope, runId: 'other', attemptKey: 'k' } }],
    ['the key in the query', { path: `${PATH}?key=secret` }],
  ])('%s do not matter', (_what, part) => {
    expect(answerKey({ ...asked, ...part })).toBe(answerKey(asked));
  });

  it.each([
    ['another model', { body: '{"model":"x","n":[1,{"b":2,"a":1}]}' }],
    ['another order of a list', { body: '{"model":"m","n":[{"b":2,"a":1},1]}' }],
    ['another trial', { scope: { ...asked.scope, trial: 'u' } }],
    ['another goal', { scope: { ...asked.scope, goalIndex: 2 } }],
    ['a branch', { scope: { ...asked.scope, branch: 'b' } }],
    ['a role', { scope: { ...asked.scope, role: 'judge' } }],
    ['a phase', { scope: { ...asked.scope, phase: 'p' } }],
    ['another upstream', { upstream: 'lab' }],
    ['another path', { path: '/v1/responses' }],
    ['another query', { path: `${PATH}?api-version=2` }],
  ])('%s does', (_what, part) => {
    expect(answerKey({ ...asked, ...part })).not.toBe(answerKey(asked));
  });

  it('numbers too long to be read exactly are told apart', () => {
    const withSeed = (seed: string): string => answerKey({ ...asked, body: `{"seed":${seed}}` });
    expect(withSeed('12345678901234567890')).not.toBe(withSeed('12345678901234567891'));
  });
});
