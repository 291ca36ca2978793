import { describe, expect, it } from 'vitest';
import { BudgetExhaustedError } from '../core/index.ts';
import { Budget } from '../limiter/index.ts';
import { startSimulator } from '../simulator/index.ts';
import { openRig } from '../transport/testing/rig.ts';
import { answer, completion, serve, type Handler } from '../transport/testing/server.ts';
import { ALL_KEYS, open } from './testing/open.ts';

const ask = { messages: [{ role: 'user' as const, content: 'hello' }] };

/** Answers with as many choices as are asked for, at most `most`, each naming its seed and place. */
function choices(most: number, finish: (index: number) => string = () => 'stop'): Handler {
  return (response, request, at) => {
    const { n, seed } = request.json;
    const count = Math.min(most, typeof n === 'number' ? n : 1);
    const list = Array.from({ length: count }, (_, index) => ({ index, message: { role: 'assistant', content: `call ${at} seed ${String(seed)} choice ${index}` }, finish_reason: finish(index) }));
    return answer(200, completion('', { choices: list }))(response, request, at);
  };
}

describe('several generations', () => {
  it('are a call each, with a seed each, where the provider takes no `n`', async () => {
    await using server = await serve(choices(1));
    await using rig = await openRig({ limits: { concurrency: 1 } });
    const outputs = await (await open(`compat:${server.url}/v1#m`, rig)).generate({ ...ask, generations: 3, seed: 40 });
    expect(outputs.map(({ text }) => text)).toEqual(['call 0 seed 40 choice 0', 'call 1 seed 41 choice 0', 'call 2 seed 42 choice 0']);
    expect(new Set(outputs.map(({ callId }) => callId)).size).toBe(3);
    expect(server.received.map(({ json }) => 'n' in json)).toEqual([false, false, false]);
    expect(await rig.rows()).toHaveLength(3);
  });

  it('are one call where the provider takes `n`', async () => {
    await using server = await serve(choices(10));
    await using rig = await openRig();
    const outputs = await (await open('openai:m', rig, { env: ALL_KEYS, settings: { openai: { baseUrl: `${server.url}/v1` } } })).generate({ ...ask, generations: 3, seed: 40 });
    expect(outputs.map(({ text }) => text)).toEqual([0, 1, 2].map((index) => `call 0 seed 40 choice ${index}`));
    expect(new Set(outputs.map(({ callId }) => callId)).size).toBe(1);
    expect(await rig.rows()).toHaveLength(1);
  });

  it('are topped up, each with a seed of its own, where fewer come back', async () => {
    await using server = await serve(choices(2));
    await using rig = await openRig({ limits: { concurrency: 1 } });
    const outputs = await (await open('openai:m', rig, { env: ALL_KEYS, settings: { openai: { baseUrl: `${server.url}/v1` } } })).generate({ ...ask, generations: 4, seed: 40 });
    expect(outputs.map(({ text }) => text)).toEqual(['call 0 seed 40 choice 0', 'call 0 seed 40 choice 1', 'call 1 seed 42 choice 0', 'call 2 seed 43 choice 0']);
    expect(server.received.map(({ json }) => json['n'])).toEqual([4, undefined, undefined]);
  });

  it('never repeat an answer in the place of one that is missing', async () => {
    await using server = await serve(choices(2, (index) => (index === 1 ? 'content_filter' : 'stop')));
    await using rig = await openRig();
    const outputs = await (await open('openai:m', rig, { env: ALL_KEYS, settings: { openai: { baseUrl: `${server.url}/v1` } } })).generate({ ...ask, generations: 3 });
    expect(outputs.map(({ blocked }) => blocked)).toEqual([false, true, false]);
    expect(new Set(outputs.map(({ text }) => text)).size).toBe(3);
    expect(outputs.map(({ blockReason }) => blockReason)).toEqual([undefined, 'content_filter', undefined]);
  });

  it('are at most those asked for', async () => {
    await using server = await serve(answer(200, completion('', { choices: ['a', 'b', 'c'].map((content, index) => ({ index, message: { role: 'assistant', content }, finish_reason: 'stop' })) })));
    await using rig = await openRig();
    expect(await (await open(`compat:${server.url}/v1#m`, rig)).generate(ask)).toHaveLength(1);
    expect(await (await open('openai:m', rig, { env: ALL_KEYS, settings: { openai: { baseUrl: `${server.url}/v1` } } })).generate({ ...ask, generations: 2 })).toHaveLength(2);
  });

  it('that came back are kept beside the one that failed', async () => {
    await using server = await serve(choices(1), answer(400, { error: { message: 'no' } }), choices(1));
    await using rig = await openRig({ limits: { concurrency: 1 } });
    const target = await open(`compat:${server.url}/v1#m`, rig);
    await expect(target.generate({ ...ask, generations: 3 })).rejects.toMatchObject({
      code: 'call_failed',
      httpStatus: 400,
      tries: 1,
      partial: [{ text: expect.stringContaining('call 0') }, { text: expect.stringContaining('call 2') }],
    });
    expect(await rig.statuses()).toEqual(['ok', 'http_error', 'ok']);
  });

  it('end as the budget ends, though a call failed too', async () => {
    await using server = await serve(answer(400, { error: { message: 'no' } }));
    await using rig = await openRig({ limits: { concurrency: 1 } });
    const target = await open(`compat:${server.url}/v1#m`, rig, { budgets: [new Budget({ calls: 1 })] });
    await expect(target.generate({ ...ask, generations: 3 })).rejects.toBeInstanceOf(BudgetExhaustedError);
  });

  it('are all blocked, by one call, where a filter refuses the prompt', async () => {
    await using simulator = await startSimulator({ faults: { contentFilter: 1 } });
    await using rig = await openRig();
    const outputs = await (await open('azure:weak', rig, { env: { ...ALL_KEYS, AZURE_OPENAI_ENDPOINT: simulator.url } })).generate({ ...ask, generations: 3 });
    expect(outputs).toMatchObject(Array.from({ length: 3 }, () => ({ blocked: true, text: '', finishReason: 'content_filter', blockReason: 'violence (medium)' })));
    expect(await rig.statuses()).toEqual(['blocked']);
  });

  it.each([false, true])('of a simulated model differ, and are the same again (streamed: %s)', async (stream) => {
    const texts = async (): Promise<string[]> => {
      await using simulator = await startSimulator({ seed: 4 });
      await using rig = await openRig();
      const outputs = await (await open('sim:weak', rig, { simulator: simulator.url })).generate({ messages: [{ role: 'user', content: 'Tell me about tea' }], generations: 4, stream });
      return outputs.map(({ text }) => text);
    };
    const [first, second] = [await texts(), await texts()];
    expect(new Set(first).size).toBeGreaterThan(1);
    expect(second).toEqual(first);
  });
});
