import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { systemClock, VirtualClock } from '../core/index.ts';
import type { FaultKind } from './faults.ts';
import { type Simulator, startSimulator } from './server.ts';

const ask = { model: 'weak', messages: [{ role: 'user', content: 'Tell me about tea' }] };

function post(simulator: Simulator, body: object, init: RequestInit = {}): Promise<Response> {
  return fetch(`${simulator.url}/v1/chat/completions`, { method: 'POST', ...init, body: JSON.stringify({ ...ask, ...body }) });
}

/** What a client without any patience makes of an answer; the text of one that breaks off is `broken off`. */
async function outcome(simulator: Simulator, body: object): Promise<{ status: number | 'no answer'; text: string }> {
  try {
    const response = await post(simulator, body);
    return { status: response.status, text: await response.text().catch(() => 'broken off') };
  } catch {
    return { status: 'no answer', text: '' };
  }
}

const served = (simulator: Simulator): number => simulator.stats().tokens.total_tokens;
const hidden = (simulator: Simulator): number => simulator.stats().hidden_usage.total_tokens;

describe('faults on the wire', () => {
  it.each<[FaultKind, number]>([
    ['error500', 500],
    ['error503', 503],
    ['error529', 503],
  ])('%s is an error answer in the provider’s shape, with nothing served', async (fault, status) => {
    await using simulator = await startSimulator({ faults: { [fault]: 1 } });
    const answer = await outcome(simulator, {});
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({ error: { type: 'server_error' } });
    expect(simulator.stats()).toMatchObject({ requests: { error: 1, by_status: { [status]: 1 } }, faults: { [fault]: 1 }, tokens: { total_tokens: 0 } });
  });

  it('reset breaks the connection before any answer', async () => {
    await using simulator = await startSimulator({ faults: { reset: 1 } });
    expect((await outcome(simulator, {})).status).toBe('no answer');
    expect(simulator.stats()).toMatchObject({ requests: { reset: 1, in_flight: 0, by_status: { none: 1 } }, tokens: { total_tokens: 0 } });
  });

  it('timeout hangs until the client leaves', async () => {
    await using simulator = await startSimulator({ faults: { timeout: 1 } });
    const abort = new AbortController();
    const pending = post(simulator, {}, { signal: abort.signal });
    await expect.poll(() => simulator.stats().requests.hung).toBe(1);
    expect(simulator.stats().requests.in_flight).toBe(1);
    abort.abort();
    await expect(pending).rejects.toThrow('abort');
    await expect.poll(() => simulator.stats().requests.in_flight).toBe(0);
    expect(simulator.stats().requests).toMatchObject({ hung: 1, aborted: 0 });
  });

  it('timeout gives the connection up after a while', async () => {
    const clock = new VirtualClock();
    await using simulator = await startSimulator({ faults: { timeout: 1 }, hangMs: 30_000, clock });
    const pending = outcome(simulator, {});
    await expect.poll(() => clock.pending).toBe(1);
    await clock.advance(29_999);
    expect(simulator.stats().requests.in_flight).toBe(1);
    await clock.advance(1);
    expect((await pending).status).toBe('no answer');
  });

  it('cut breaks a whole body off, and counts what was served as hidden', async () => {
    await using simulator = await startSimulator({ faults: { cut: 1 } });
    expect(await outcome(simulator, {})).toEqual({ status: 200, text: 'broken off' });
    expect(simulator.stats()).toMatchObject({ requests: { ok: 0, cut: 1 }, hidden_usage: { requests: 1, by_reason: { cut: { requests: 1 } } } });
    expect(hidden(simulator)).toBe(served(simulator));
    expect(served(simulator)).toBeGreaterThan(0);
  });

  it('cut ends a stream early, some by a break and some in silence, never with its end', async () => {
    await using simulator = await startSimulator({ faults: { cut: 1 } });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => outcome(simulator, { stream: true, stream_options: { include_usage: true }, messages: [{ role: 'user', content: `Topic ${index}` }] })),
    );
    const broken = answers.filter(({ text }) => text === 'broken off');
    const silent = answers.filter(({ text }) => text !== 'broken off');
    expect(broken.length).toBeGreaterThan(2);
    expect(silent.length).toBeGreaterThan(2);
    for (const { text } of silent) {
      expect(text).toContain('"content":');
      expect(text).not.toMatch(/"finish_reason":"|"usage":\{|\[DONE\]/);
    }
  });

  it('malformed sends a 200 that is not JSON, and a stream with an event that is not', async () => {
    await using simulator = await startSimulator({ faults: { malformed: 1 } });
    const whole = await outcome(simulator, {});
    expect(whole.status).toBe(200);
    expect(() => JSON.parse(whole.text) as unknown).toThrow(SyntaxError);
    const client = new OpenAI({ apiKey: 'key', baseURL: `${simulator.url}/v1`, maxRetries: 0, logLevel: 'off' });
    const stream = await client.chat.completions.create({ model: 'weak', stream: true, messages: [{ role: 'user', content: 'Tell me about tea' }] });
    await expect(Array.fromAsync(stream)).rejects.toThrow(SyntaxError);
    expect(simulator.stats()).toMatchObject({ requests: { malformed: 2 }, hidden_usage: { requests: 2 } });
    expect(hidden(simulator)).toBe(served(simulator));
  });

  it('missingUsage leaves the usage out of whole answers, streams and embeddings', async () => {
    await using simulator = await startSimulator({ faults: { missingUsage: 1 } });
    const whole = await outcome(simulator, {});
    expect(JSON.parse(whole.text)).not.toHaveProperty('usage');
    const streamed = await outcome(simulator, { stream: true, stream_options: { include_usage: true } });
    expect(streamed.text).toContain('[DONE]');
    expect(streamed.text).not.toContain('"usage"');
    const embedded = await fetch(`${simulator.url}/v1/embeddings`, { method: 'POST', body: JSON.stringify({ model: 'weak', input: 'tea' }) });
    expect(await embedded.json()).not.toHaveProperty('usage');
    expect(simulator.stats()).toMatchObject({ requests: { ok: 3 }, hidden_usage: { requests: 3, by_reason: { missing_usage: { requests: 3 } } } });
    expect(hidden(simulator)).toBe(served(simulator));
  });

  it('contentFilter stops an answer part way, and still reports its usage', async () => {
    await using simulator = await startSimulator({ faults: { contentFilter: 1 } });
    const whole = JSON.parse((await outcome(simulator, {})).text) as OpenAI.ChatCompletion;
    expect(whole.choices[0]!.finish_reason).toBe('content_filter');
    expect(whole.usage!.total_tokens).toBe(served(simulator));
    const response = await fetch(`${simulator.url}/v1/responses`, { method: 'POST', body: JSON.stringify({ model: 'weak', input: 'tea' }) });
    expect(await response.json()).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'content_filter' } });
  });

  it('empty answers with no text', async () => {
    await using simulator = await startSimulator({ faults: { empty: 1 } });
    const whole = JSON.parse((await outcome(simulator, {})).text) as OpenAI.ChatCompletion;
    expect(whole).toMatchObject({ choices: [{ finish_reason: 'stop', message: { content: '' } }], usage: { completion_tokens: 0 } });
  });

  it('slowFirstByte holds the answer back', async () => {
    const clock = new VirtualClock();
    await using simulator = await startSimulator({ faults: { slowFirstByte: 1 }, slowFirstByteMs: 2000, clock });
    const pending = outcome(simulator, {});
    await expect.poll(() => clock.pending).toBe(1);
    await clock.advance(1999);
    expect(simulator.stats().requests).toMatchObject({ in_flight: 1, ok: 0 });
    await clock.advance(1);
    expect((await pending).status).toBe(200);
    expect(simulator.stats().requests.ok).toBe(1);
  });

  it('meets a retry with a draw of its own, told by header or by the sight of the same request', async () => {
    await using simulator = await startSimulator({ faults: { error500: 0.5 } });
    const statuses = async (headers: (retry: number) => Record<string, string>): Promise<number[]> => {
      const list: number[] = [];
      for (let retry = 0; retry < 12; retry++) list.push((await post(simulator, {}, { headers: headers(retry) })).status);
      return list;
    };
    const told = await statuses((retry) => ({ 'x-assay-retry': String(retry) }));
    expect(new Set(told)).toEqual(new Set([200, 500]));
    expect(await statuses((retry) => ({ 'x-stainless-retry-count': String(retry) }))).toEqual(told);
    expect(await statuses(() => ({}))).toEqual(told);
  });

  it('the client’s own retries get through in the end', async () => {
    await using simulator = await startSimulator({ faults: { error500: 0.3, reset: 0.2 } });
    const client = new OpenAI({ apiKey: 'key', baseURL: `${simulator.url}/v1`, maxRetries: 0 });
    const asked = Array.from({ length: 30 }, (_, index) => ({ model: 'weak', messages: [{ role: 'user' as const, content: `Topic ${index}` }] }));
    const answers = await Promise.all(
      asked.map(async (request) => {
        for (let retry = 0; ; retry++) {
          const answer = await client.chat.completions.create(request, { headers: { 'x-assay-retry': String(retry) } }).catch((error: unknown) => error);
          if (!(answer instanceof Error)) return answer as OpenAI.ChatCompletion;
          expect(retry).toBeLessThan(20);
        }
      }),
    );
    const { requests, tokens } = simulator.stats();
    expect(requests.ok).toBe(30);
    expect(requests.error + requests.reset).toBeGreaterThan(5);
    expect(tokens.total_tokens).toBe(answers.reduce((sum, { usage }) => sum + usage!.total_tokens, 0));
  });
});

describe('pace', () => {
  it('a slow model takes its seeded time, then streams a piece at a time', async () => {
    const clock = new VirtualClock();
    await using simulator = await startSimulator({ clock });
    const started = clock.now();
    const response = post(simulator, { model: 'slow', stream: true });
    await expect.poll(() => clock.pending).toBe(1);
    await clock.advance(299);
    expect(simulator.stats().requests.ok).toBe(0);
    while (simulator.stats().requests.ok === 0) await clock.advance(1);
    const waited = clock.now() - started;
    expect(waited).toBeGreaterThanOrEqual(300);
    expect(waited).toBeLessThanOrEqual(1500);
    const text = (await response).text();
    const tokens = simulator.stats().tokens.completion_tokens;
    while (simulator.stats().requests.in_flight > 0) {
      await clock.advance(25);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await text).endsWith('data: [DONE]\n\n')).toBe(true);
    expect(clock.now() - started - waited).toBeGreaterThan(tokens * 10);
    expect(systemClock.now()).toBeGreaterThan(0);
  });
});
