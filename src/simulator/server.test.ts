import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../core/index.ts';
import { LIMIT_KINDS } from './limits/window.ts';
import type { SimulatorOptions } from './options.ts';
import type { ServedRequest } from './served.ts';
import { type Simulator, startSimulator } from './server.ts';
import type { SimStats } from './stats.ts';

const ask = { model: 'weak', max_tokens: 50, messages: [{ role: 'user', content: 'Tell me about tea' }] };

function post(simulator: Simulator, body: object = {}, init: RequestInit = {}): Promise<Response> {
  return fetch(`${simulator.url}/v1/chat/completions`, { method: 'POST', ...init, body: JSON.stringify({ ...ask, ...body }) });
}

/** The books balance: every received request has one outcome or is in flight, and groups add up to the whole. */
function expectBalanced({ requests, tokens, by_model, by_endpoint }: SimStats): void {
  const { received, in_flight, ok, rate_limited, error, malformed, cut, reset, hung, aborted, by_status } = requests;
  expect(ok + rate_limited + error + malformed + cut + reset + hung + aborted + in_flight).toBe(received);
  expect(Object.values(by_status).reduce((sum, count) => sum + count, 0)).toBe(received - in_flight);
  for (const groups of [by_model, by_endpoint]) {
    expect(Object.values(groups).reduce((sum, group) => sum + group.total_tokens, 0)).toBe(tokens.total_tokens);
  }
  expect(tokens.prompt_tokens + tokens.completion_tokens).toBe(tokens.total_tokens);
}

describe('limits over HTTP', () => {
  it.each(LIMIT_KINDS)('%s lets exactly its share through, and again after the wait it names', async (kind) => {
    const clock = new VirtualClock(1_750_000_020_000);
    await using simulator = await startSimulator({ clock, limits: { kind, rpm: 60 } });
    const burst = { 'token-bucket': 5, 'fixed-window': 60, 'sliding-window': 60, 'sub-windows': 10 }[kind];
    const answers = await Promise.all(Array.from({ length: 80 }, () => post(simulator)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(burst);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(await refused.json()).toMatchObject({ error: { type: 'requests', code: 'rate_limit_exceeded' } });
    const waitMs = Number(refused.headers.get('retry-after-ms'));
    await clock.advance(waitMs - 1);
    expect((await post(simulator)).status).toBe(429);
    await clock.advance(1);
    expect((await post(simulator)).status).toBe(200);
    const stats = simulator.stats();
    expect(stats.requests).toMatchObject({ ok: burst + 1, rate_limited: 80 - burst + 1, received: 82 });
    expect(stats.by_model['weak']).toMatchObject({ requests: 82, ok: burst + 1, rate_limited: 80 - burst + 1 });
    expectBalanced(stats);
  });

  it('charges prompt and max tokens when it counts reservations, and what was used when it counts that', async () => {
    for (const [countAtAdmission, each] of [['reserved', 11 + 4000], ['actual', undefined]] as const) {
      await using simulator = await startSimulator({ clock: new VirtualClock(), limits: { kind: 'sliding-window', tpm: 100_000, countAtAdmission } });
      const answer = await post(simulator, { max_tokens: 2000, n: 2 });
      const used = ((await answer.json()) as { usage: { total_tokens: number } }).usage.total_tokens;
      expect(100_000 - Number(answer.headers.get('x-ratelimit-remaining-tokens'))).toBe(each ?? used);
    }
  });

  it('refuses for good what is larger than the limit', async () => {
    await using simulator = await startSimulator({ limits: { kind: 'token-bucket', tpm: 100 } });
    const answer = await post(simulator, { max_tokens: 200 });
    expect(answer.status).toBe(429);
    expect(await answer.json()).toMatchObject({ error: { type: 'tokens', message: expect.stringContaining('too large') } });
  });

  it('limits each variant by itself, and may keep its headers to itself', async () => {
    await using simulator = await startSimulator({ limits: { kind: 'fixed-window', rpm: 1, headers: false }, clock: new VirtualClock() });
    const statuses = [];
    for (const model of ['weak', 'weak', 'weak@b', 'weak@b']) statuses.push((await post(simulator, { model })).status);
    expect(statuses).toEqual([200, 429, 200, 429]);
    const refused = await post(simulator);
    expect([...refused.headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
    expect(refused.headers.get('retry-after')).not.toBeNull();
  });

  it('holds concurrency until an answer is out or its client has left', async () => {
    const clock = new VirtualClock();
    await using simulator = await startSimulator({ clock, limits: { kind: 'fixed-window', concurrency: 1 }, profiles: { weak: { behaviour: 'weak', latency: { minMs: 100, maxMs: 100 } } } });
    const abort = new AbortController();
    const first = post(simulator, {}, { signal: abort.signal });
    await expect.poll(() => clock.pending).toBe(1);
    expect((await post(simulator)).status).toBe(429);
    abort.abort();
    await expect(first).rejects.toThrow('abort');
    await expect.poll(() => simulator.stats().requests.aborted).toBe(1);
    const second = post(simulator);
    await expect.poll(() => clock.pending).toBe(1);
    await clock.advance(100);
    expect((await second).status).toBe(200);
    expectBalanced(simulator.stats());
  });

  it('shows what the other tenant drew on a line of its own', async () => {
    const clock = new VirtualClock(1_750_000_020_000);
    await using simulator = await startSimulator({ clock, limits: { kind: 'sliding-window', rpm: 100, otherTenant: 0.3 } });
    await post(simulator);
    await clock.advance(59_000);
    const statuses = await Promise.all(Array.from({ length: 100 }, async () => (await post(simulator)).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(69);
    const stats = simulator.stats();
    expect(stats.other_tenant.requests).toBe(30);
    expect(stats.requests).toMatchObject({ received: 101, ok: 70 });
  });
});

describe('clients that leave', () => {
  it('counts nothing as served where the answer had not begun', async () => {
    const clock = new VirtualClock();
    await using simulator = await startSimulator({ clock });
    const abort = new AbortController();
    const pending = post(simulator, { model: 'slow' }, { signal: abort.signal });
    await expect.poll(() => clock.pending).toBe(1);
    abort.abort();
    await expect(pending).rejects.toThrow('abort');
    await expect.poll(() => simulator.stats().requests).toMatchObject({ aborted: 1, ok: 0, in_flight: 0 });
    expect(simulator.stats().tokens.total_tokens).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('counts of a stream what was on its way, and writes the correction down', async () => {
    const clock = new VirtualClock();
    await using simulator = await startSimulator({ clock, profiles: { paced: { behaviour: 'echo', pieceMs: 10 } } });
    const abort = new AbortController();
    const content = Array.from({ length: 100 }, (_, index) => `word${index}`).join(' ');
    const response = await post(simulator, { model: 'paced', max_tokens: 1000, stream: true, messages: [{ role: 'user', content }] }, { signal: abort.signal });
    const whole = simulator.stats().tokens;
    await clock.advance(205);
    abort.abort();
    await expect(response.text()).rejects.toThrow('abort');
    await expect.poll(() => simulator.stats().requests).toMatchObject({ aborted: 1, ok: 0, in_flight: 0 });
    const stats = simulator.stats();
    expect(stats.tokens.completion_tokens).toBeGreaterThan(20);
    expect(stats.tokens.completion_tokens).toBeLessThan(whole.completion_tokens / 2);
    expect(stats.hidden_usage.by_reason.aborted?.total_tokens).toBe(stats.tokens.total_tokens);
    const [planned, amended] = simulator.log();
    expect(planned).toMatchObject({ outcome: 'ok', completion_tokens: whole.completion_tokens });
    expect(amended).toMatchObject({ outcome: 'aborted', amends: true, request_id: planned!.request_id, completion_tokens: stats.tokens.completion_tokens });
    expectBalanced(stats);
  });

  it('counts nothing for one who leaves in the middle of a request', async () => {
    await using simulator = await startSimulator();
    const abort = new AbortController();
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('{"model":')) });
    const pending = fetch(`${simulator.url}/v1/chat/completions`, { method: 'POST', body, duplex: 'half', signal: abort.signal });
    setImmediate(() => abort.abort());
    await expect(pending).rejects.toThrow('abort');
    expect((await post(simulator)).status).toBe(200);
    expect(simulator.stats().requests).toMatchObject({ received: 1, ok: 1 });
  });
});

describe('stats, log and reset', () => {
  it('equal what clients got, under faults and many connections', async () => {
    await using simulator = await startSimulator({ seed: 3, faults: { error500: 0.1, cut: 0.1, malformed: 0.1, missingUsage: 0.1, reset: 0.05, empty: 0.1 } });
    const got = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        try {
          const answer = await post(simulator, { model: index % 2 === 0 ? 'weak' : 'faulty', messages: [{ role: 'user', content: `Topic ${index}` }] });
          const body = (await answer.json()) as { usage?: { total_tokens: number } };
          return { status: answer.status, total: body.usage?.total_tokens };
        } catch {
          return { status: 0, total: undefined };
        }
      }),
    );
    const stats = simulator.stats();
    const seen = got.reduce((sum, { total }) => sum + (total ?? 0), 0);
    expect(stats.tokens.total_tokens - stats.hidden_usage.total_tokens).toBe(seen);
    expect(got.filter(({ status }) => status === 200)).toHaveLength(stats.requests.ok);
    expect(got.filter(({ status }) => status === 500)).toHaveLength(stats.requests.error);
    expect(got.filter(({ status }) => status === 0)).toHaveLength(stats.requests.cut + stats.requests.malformed + stats.requests.reset);
    expect(Object.keys(stats.by_model).toSorted()).toEqual(['faulty', 'weak']);
    expectBalanced(stats);
  });

  it('are served over HTTP, and are not requests themselves', async () => {
    await using simulator = await startSimulator();
    await post(simulator, {}, { headers: { 'x-assay-call': 'call-1' } });
    await post(simulator, { model: 'nobody' });
    const read = async (path: string): Promise<unknown> => (await fetch(simulator.url + path)).json();
    expect(await read('/__sim/stats')).toEqual(simulator.stats());
    const { requests } = (await read('/__sim/log?limit=5')) as { requests: ServedRequest[] };
    expect(requests).toMatchObject([{ call: 'call-1', model: 'weak', status: 200, endpoint: 'chat.completions' }, { call: null, status: 404, outcome: 'error' }]);
    expect((await read('/__sim/log?limit=1')) as object).toMatchObject({ requests: [{ status: 404 }] });
    expect(new Set(requests.map(({ request_id }) => request_id)).size).toBe(2);
    expect((await fetch(`${simulator.url}/__sim/reset`, { method: 'POST' })).status).toBe(200);
    expect(simulator.stats().requests.received).toBe(0);
    expect(await read('/__sim/log')).toEqual({ requests: [] });
    expect((await fetch(`${simulator.url}/__sim/nothing`)).status).toBe(404);
  });

  it('forget limits and retries on a reset, while a request under way keeps its own books', async () => {
    const clock = new VirtualClock();
    await using simulator = await startSimulator({ clock, limits: { kind: 'fixed-window', rpm: 1 } });
    const slow = post(simulator, { model: 'slow' });
    await expect.poll(() => clock.pending).toBe(1);
    simulator.reset();
    await clock.advance(1500);
    expect((await slow).status).toBe(200);
    expect(simulator.stats().requests).toMatchObject({ received: 0, ok: 0, in_flight: 0 });
    const second = post(simulator, { model: 'slow' });
    await expect.poll(() => clock.pending).toBe(1);
    await clock.advance(1500);
    expect((await second).status).toBe(200);
  });

  it('remembers as many requests as it is told to', async () => {
    await using simulator = await startSimulator({ logSize: 3 });
    for (let index = 0; index < 100; index++) await post(simulator, {}, { headers: { 'x-assay-call': String(index) } });
    expect(simulator.log().map(({ call }) => call)).toEqual(['97', '98', '99']);
  });

  it('appends each request to the log file before its answer is out', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'assay-sim-'));
    try {
      const path = join(folder, 'served.jsonl');
      const options: SimulatorOptions = { log: path, faults: { error500: 0.3 } };
      await using simulator = await startSimulator(options);
      for (let index = 0; index < 20; index++) {
        await (await post(simulator, { messages: [{ role: 'user', content: `Topic ${index}` }] })).arrayBuffer();
        expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toHaveLength(index + 1);
      }
      const lines = (await readFile(path, 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line) as ServedRequest);
      expect(lines).toEqual(simulator.log());
      expect(lines.reduce((sum, line) => sum + line.total_tokens, 0)).toBe(simulator.stats().tokens.total_tokens);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('startSimulator', () => {
  it('listens on loopback, on a free port of its own', async () => {
    await using one = await startSimulator();
    await using other = await startSimulator();
    expect(one.url).toBe(`http://127.0.0.1:${one.port}`);
    expect(other.port).not.toBe(one.port);
  });

  it('names what it cannot use', async () => {
    await using simulator = await startSimulator();
    await expect(startSimulator({ port: simulator.port })).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('EADDRINUSE') });
    await expect(startSimulator({ log: '/nowhere/at/all' })).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('log') });
    await expect(startSimulator({ port: -1 })).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('port') });
  });

  it('ends every connection when it is closed', async () => {
    const simulator = await startSimulator({ faults: { timeout: 1 } });
    const pending = post(simulator).catch(() => 'ended');
    await expect.poll(() => simulator.stats().requests.hung).toBe(1);
    await simulator.close();
    expect(await pending).toBe('ended');
    await expect(post(simulator)).rejects.toThrow('fetch failed');
  });

  it.each([
    ['GET', '/v1/chat/completions', 405],
    ['POST', '/v1/models', 405],
    ['POST', '/v1/nothing', 404],
    ['GET', '/', 404],
    ['POST', '/v1/completions', 404],
  ])('answers %s %s with %d', async (method, path, status) => {
    await using simulator = await startSimulator();
    const answer = await fetch(simulator.url + path, { method, ...(method === 'POST' ? { body: '{}' } : {}) });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
    expectBalanced(simulator.stats());
  });

  it.each(['', '{', '[]', 'null', '"text"'])('answers a body of %j with 400', async (body) => {
    await using simulator = await startSimulator();
    const answer = await fetch(`${simulator.url}/v1/chat/completions`, { method: 'POST', body });
    expect(answer.status).toBe(400);
  });

  it('refuses a body beyond 32 MiB', async () => {
    await using simulator = await startSimulator();
    const answer = await post(simulator, { messages: [{ role: 'user', content: 'x'.repeat(33 * 1024 * 1024) }] });
    expect(answer.status).toBe(413);
  });
});

describe('what it is taught while it runs', () => {
  const rules = (answer: string) => [{ id: 'tea', pattern: 'tea', chance: 1, answer }];
  const said = async (simulator: Simulator): Promise<string> => ((await (await post(simulator)).json()) as { choices: { message: { content: string } }[] }).choices[0]!.message.content;

  it('comes before what it knew, and takes the place of a playbook of the same name', async () => {
    await using simulator = await startSimulator({ playbooks: [{ name: 'old', rules: rules('Tea is old.') }] });
    expect(await said(simulator)).toBe('Tea is old.');
    simulator.learn([{ name: 'new', rules: rules('Tea is new.') }]);
    expect(await said(simulator)).toBe('Tea is new.');
    simulator.learn([{ name: 'new', rules: [] }]);
    expect(await said(simulator)).toBe('Tea is old.');
  });

  it('is refused where it is no playbook, and what was known stays', async () => {
    await using simulator = await startSimulator({ playbooks: [{ name: 'old', rules: rules('Tea is old.') }] });
    const wrong = [{ name: 'new', rules: [{ id: 'a', pattern: 'tea', where: [{ on: 'weather', pattern: 'x' }], chance: 1, answer: 'x' }] }];
    expect(() => simulator.learn(wrong as never)).toThrow('simulator option playbooks[0].rules[0].where[0].on: must be one of user, system, conversation, not "weather"');
    expect(await said(simulator)).toBe('Tea is old.');
  });
});

it('counts the same conversation alike, whatever the ids of its tool calls', async () => {
  await using simulator = await startSimulator();
  const promptTokens = async (id: string): Promise<number> => {
    const messages = [...ask.messages, { role: 'assistant', content: null, tool_calls: [{ id, type: 'function', function: { name: 'look', arguments: '{}' } }] }, { role: 'tool', tool_call_id: id, content: 'nothing' }];
    return ((await (await post(simulator, { messages })).json()) as { usage: { prompt_tokens: number } }).usage.prompt_tokens;
  };
  expect(await promptTokens('call_1')).toBe(await promptTokens('call_01M7Z2YQDPAZPH9XDE1DK9TGCY_7'));
});
