import { createServer, request as httpsRequest } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import axios from 'axios';
import type OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import type { CallRecord } from '../src/core/index.ts';
import { openTappedRig, type TappedRig } from '../src/transport/testing/node-http-rig.ts';
import { SELF_SIGNED } from '../src/transport/testing/self-signed.ts';
import { completion } from '../src/transport/testing/server.ts';
import { startOpenAiMock, type OpenAiMock } from './support/openai-mock.ts';

/** The OpenAI SDK 4 that mem0ai carries: it sends through node-fetch, over node:http. */
const OldOpenAI = createRequire(createRequire(import.meta.url).resolve('mem0ai'))('openai') as typeof OpenAI;

const CHAOS = { dropRate: 0.08, malformedRate: 0.05, disconnectRate: 0.05, rateLimitRate: 0.05 };

function messages(index: number): { readonly role: 'user'; readonly content: string }[] {
  return [{ role: 'user', content: `question ${'?'.repeat(index)}` }];
}

/** Compares the ledger with the mock's own count. */
async function reconcile(rig: TappedRig, mock: OpenAiMock): Promise<CallRecord[]> {
  await rig.tap.settled();
  const rows = await rig.rows();
  const books = mock.books();
  const answered = rows.filter(({ settlement }) => settlement?.status === 'ok');
  expect(rows).toHaveLength(books.requests);
  expect(answered).toHaveLength(books.answered);
  expect(rows.filter(({ settlement }) => settlement?.status === 'rate_limited')).toHaveLength(books.rateLimited);
  expect(rows.every(({ settlement }) => settlement?.status === 'ok' || settlement?.usage.source === 'unknown')).toBe(true);
  const sum = (part: 'inputFresh' | 'outputText'): number => answered.reduce((all, { settlement }) => all + settlement!.usage[part]!, 0);
  expect([sum('inputFresh'), sum('outputText')]).toEqual([books.promptTokens, books.completionTokens]);
  expect(rows.every(({ intent }) => intent.via === 'node-http')).toBe(true);
  expect(rig.failures).toEqual([]);
  return rows;
}

describe('the OpenAI SDK 4 over node-fetch', () => {
  it('is counted as the mock counts, whole and streamed, its own retries as such', { timeout: 120_000 }, async () => {
    expect(OldOpenAI.name).toBe('OpenAI');
    await using mock = await startOpenAiMock(CHAOS);
    await using rig = await openTappedRig();
    const client = new OldOpenAI({ apiKey: 'none', baseURL: `${mock.url}/v1`, maxRetries: 1 });
    const ask = async (index: number): Promise<void> => {
      try {
        if (index % 2 === 0) await client.chat.completions.create({ model: 'any-model', messages: messages(index) });
        else for await (const _ of await client.chat.completions.create({ model: 'any-model', messages: messages(index), stream: true, stream_options: { include_usage: true } }));
      } catch {
        // What fails for good fails in the ledger too.
      }
    };
    for (let batch = 0; batch < 6; batch++) await Promise.all(Array.from({ length: 10 }, (_, index) => ask(batch * 10 + index)));
    const rows = await reconcile(rig, mock);
    expect(rows.filter(({ intent }) => intent.stream).length).toBeGreaterThan(20);
    expect(rows.some(({ intent }) => intent.retry > 0)).toBe(true);
  });

  it('is counted when it breaks out of a stream or aborts, and marked', async () => {
    await using mock = await startOpenAiMock();
    await using rig = await openTappedRig();
    const client = new OldOpenAI({ apiKey: 'none', baseURL: `${mock.url}/v1`, maxRetries: 0 });
    const events = await client.chat.completions.create({ model: 'any-model', messages: messages(1), stream: true });
    for await (const _ of events) break;
    const abort = new AbortController();
    const aborted = client.chat.completions.create({ model: 'any-model', messages: messages(2) }, { signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toThrow();
    await rig.tap.settled();
    const statuses = await rig.statuses();
    // A local mock may have sent all of it by the time it is broken off; an abort before it is sent is no call.
    expect(['ok', 'aborted', 'cut']).toContain(statuses[0]);
    expect(statuses.slice(1).every((status) => status === 'aborted')).toBe(true);
  });

  it('has its embeddings counted', async () => {
    await using mock = await startOpenAiMock();
    await using rig = await openTappedRig();
    const client = new OldOpenAI({ apiKey: 'none', baseURL: `${mock.url}/v1`, maxRetries: 0 });
    const { data } = await client.embeddings.create({ model: 'text-embedding-3-small', input: ['one', 'two'], encoding_format: 'float' });
    expect(data).toHaveLength(2);
    await rig.tap.settled();
    expect(await rig.row()).toMatchObject({ intent: { protocol: 'openai-embeddings' }, settlement: { status: 'ok' } });
  });
});

describe('axios over node:http', () => {
  it('is counted as the mock counts, whole and streamed', { timeout: 120_000 }, async () => {
    await using mock = await startOpenAiMock(CHAOS);
    await using rig = await openTappedRig();
    const client = axios.create({ adapter: 'http', validateStatus: () => true });
    const ask = async (index: number): Promise<void> => {
      const body = { model: 'any-model', messages: messages(index) };
      const url = `${mock.url}/v1/chat/completions`;
      try {
        if (index % 2 === 0) await client.post(url, body);
        else await text((await client.post(url, { ...body, stream: true, stream_options: { include_usage: true } }, { responseType: 'stream' })).data as NodeJS.ReadableStream);
      } catch {
        // As above.
      }
    };
    for (let batch = 0; batch < 6; batch++) await Promise.all(Array.from({ length: 10 }, (_, index) => ask(batch * 10 + index)));
    const rows = await reconcile(rig, mock);
    expect(rows.filter(({ intent }) => intent.stream).length).toBe(30);
  });

  it('that times out or is cancelled says so in the ledger', async () => {
    await using rig = await openTappedRig();
    await using server = await (await import('../src/transport/testing/server.ts')).serve(() => undefined);
    const url = `${server.url}/v1/chat/completions`;
    await expect(axios.post(url, { model: 'm' }, { adapter: 'http', timeout: 50 })).rejects.toThrow(/timeout/);
    const abort = new AbortController();
    const cancelled = axios.post(url, { model: 'm' }, { adapter: 'http', signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    await expect(cancelled).rejects.toThrow(/cancel/);
    await rig.tap.settled();
    expect(await rig.statuses()).toEqual(['timeout', 'aborted']);
  });
});

describe('https', () => {
  it('is counted like http; a certificate that is not trusted is a call that never left', async () => {
    const server = createServer(SELF_SIGNED, (incoming, response) => void incoming.resume().on('end', () => response.setHeader('content-type', 'application/json').end(JSON.stringify(completion('hello')))));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      await using rig = await openTappedRig();
      const raw = await new Promise<string>((resolve, reject) => {
        const call = httpsRequest({ host: '127.0.0.1', port, path: '/v1/chat/completions', method: 'POST', ca: SELF_SIGNED.cert }, (response) => void text(response).then(resolve, reject));
        call.on('error', reject).end(JSON.stringify({ model: 'm', messages: [] }));
      });
      expect(JSON.parse(raw)).toEqual(completion('hello'));
      const { Agent } = await import('node:https');
      const { data } = await axios.post(`https://127.0.0.1:${port}/v1/chat/completions`, { model: 'm' }, { adapter: 'http', httpsAgent: new Agent({ ca: SELF_SIGNED.cert }) });
      expect(data).toEqual(completion('hello'));
      await expect(axios.post(`https://127.0.0.1:${port}/v1/chat/completions`, { model: 'm' }, { adapter: 'http' })).rejects.toThrow(/self-signed/);
      await rig.tap.settled();
      const rows = await rig.rows();
      expect(rows.map(({ settlement }) => [settlement?.status, settlement?.usage.source])).toEqual([['ok', 'reported'], ['ok', 'reported'], ['network_error', 'unknown']]);
      expect(rows.map(({ intent }) => intent.deployment)).toEqual([`compat/127.0.0.1:${port}/m`, `compat/127.0.0.1:${port}/m`, `compat/127.0.0.1:${port}/m`]);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
