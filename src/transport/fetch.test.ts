import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { startSimulator } from '../simulator/index.ts';
import { CallError } from './call-error.ts';
import { collectAnswers, transportFetch, type CallDetails } from './fetch.ts';
import { DEPLOYMENT, openRig, QUICK_RETRY } from './testing/rig.ts';
import { answer, completion, serve, stream, streamOf, type Server } from './testing/server.ts';

const details = (): CallDetails => ({ target: 'compat:here#any-model', deployment: DEPLOYMENT, simulated: false, retry: QUICK_RETRY });
const ask = JSON.stringify({ model: 'any-model', messages: [{ role: 'user', content: 'hello' }] });
const chat = (server: Pick<Server, 'url'>): string => `${server.url}/v1/chat/completions`;

describe('transportFetch', () => {
  it.each<[form: string, make: (url: string) => [string | URL | Request, RequestInit?]]>([
    ['a text and a text body', (url) => [url, { method: 'POST', body: ask, headers: { 'X-Mine': 'yes' } }]],
    ['a URL and bytes', (url) => [new URL(url), { method: 'POST', body: new TextEncoder().encode(ask), headers: [['x-mine', 'yes']] }]],
    ['a Request', (url) => [new Request(url, { method: 'POST', body: ask, headers: { 'x-mine': 'yes' } })]],
  ])('takes %s', async (_form, make) => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    const response = await transportFetch(rig.transport, details)(...make(chat(server)));
    expect(await response.json()).toEqual(completion('hi'));
    expect(server.received[0]).toMatchObject({ method: 'POST', body: ask, headers: { 'x-mine': 'yes' } });
    expect(await rig.statuses()).toEqual(['ok']);
  });

  it('lays extra members over the body', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    await transportFetch(rig.transport, () => ({ ...details(), bodyExtras: { n: 3 } }))(chat(server), { method: 'POST', body: ask });
    expect(server.received[0]?.json).toEqual({ ...(JSON.parse(ask) as object), n: 3 });
  });

  it('hands a body over as it reads, without the headers of its encoding', async () => {
    const { gzipSync } = await import('node:zlib');
    await using server = await serve(answer(200, gzipSync(JSON.stringify(completion('hi'))), { 'content-encoding': 'gzip' }));
    await using rig = await openRig();
    const response = await transportFetch(rig.transport, details)(chat(server), { method: 'POST', body: ask });
    expect(response.headers.has('content-encoding')).toBe(false);
    expect(await response.json()).toEqual(completion('hi'));
  });

  it("serves OpenAI's own client, streamed too, whose chunks all have a choice", async () => {
    await using server = await serve(answer(200, completion('hi')), stream(streamOf('bit by bit')));
    await using rig = await openRig();
    const client = new OpenAI({ apiKey: 'none', baseURL: `${server.url}/v1`, maxRetries: 0, fetch: transportFetch(rig.transport, details) });
    const whole = await client.chat.completions.create({ model: 'any-model', messages: [{ role: 'user', content: 'hello' }] });
    expect(whole.choices[0]?.message.content).toBe('hi');
    let text = '';
    for await (const chunk of await client.chat.completions.create({ model: 'any-model', stream: true, messages: [{ role: 'user', content: 'hello' }] })) {
      text += chunk.choices[0]!.delta.content ?? '';
    }
    expect(text).toBe('bit by bit');
    expect((await rig.rows()).map((row) => row.settlement?.usage.source)).toEqual(['reported', 'reported']);
  });

  it("gives a content filter's refusal as the response it was", async () => {
    await using simulator = await startSimulator({ faults: { contentFilter: 1 } });
    await using rig = await openRig();
    const url = `${simulator.url}/openai/deployments/weak/chat/completions?api-version=2024-10-21`;
    const response = await transportFetch(rig.transport, details)(url, { method: 'POST', body: ask });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'content_filter' } });
  });

  it('throws what transport throws, and is aborted by the signal of the request', async () => {
    await using server = await serve(answer(400, { error: { message: 'no' } }));
    await using rig = await openRig();
    const fetch = transportFetch(rig.transport, details);
    await expect(fetch(chat(server), { method: 'POST', body: ask })).rejects.toSatisfy((error) => CallError.isInstance(error));
    await expect(fetch(new Request(chat(server), { method: 'POST', body: ask, signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'cancelled' });
    await expect(fetch(`${server.url}/v1/models`, { method: 'POST', body: '' })).rejects.toMatchObject({ status: 'not_sent' });
  });
});

describe('collectAnswers', () => {
  it('collects what came back inside it, and nothing of what runs beside it', async () => {
    await using server = await serve((response, request, index) => answer(200, completion(String(request.json['user'])))(response, request, index));
    await using rig = await openRig();
    const fetch = transportFetch(rig.transport, details);
    const post = (user: string): Promise<Response> => fetch(chat(server), { method: 'POST', body: JSON.stringify({ ...(JSON.parse(ask) as object), user }) });
    const collected = await Promise.all(['a', 'b'].map((user) => collectAnswers(async () => [await post(user), await post(user.toUpperCase())])));
    expect(collected.map(({ answers }) => answers.map(({ facts }) => facts.answers[0]?.text))).toEqual([
      ['a', 'A'],
      ['b', 'B'],
    ]);
  });

  it('tells what transport threw, whatever the library makes of it', async () => {
    await using server = await serve(answer(400, { error: { message: 'no' } }));
    await using rig = await openRig();
    const fetch = transportFetch(rig.transport, details);
    const { answers, failure } = await collectAnswers(async () => {
      await fetch(chat(server), { method: 'POST', body: ask }).catch(() => {
        throw new Error('connection error');
      });
    });
    expect(answers).toEqual([]);
    expect(failure).toMatchObject({ httpStatus: 400, message: expect.stringContaining('no') });
  });

  it('tells what the library threw where transport threw nothing', async () => {
    expect(await collectAnswers(() => Promise.reject(new Error('the library failed')))).toMatchObject({ answers: [], failure: { message: 'the library failed' } });
  });
});
