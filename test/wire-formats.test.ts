import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { LLMock } from '@copilotkit/aimock';
import { GoogleGenAI, type GenerateContentResponse } from '@google/genai';
import { Ollama } from 'ollama';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { completionTokens, promptTokens } from '../src/core/index.ts';
import { recogniseProtocol, type RequestFacts, type ResponseFacts } from '../src/protocols/index.ts';

/** What our reader makes of an exchange that a real client had. */
interface Seen {
  readonly protocol: string;
  readonly asked: RequestFacts;
  readonly facts: ResponseFacts;
}

/** A fetch that lets our readers see what goes by: as a whole body, or as a stream where the request was for one. */
function watching(seen: Promise<Seen>[]): typeof fetch {
  return async (input, init) => {
    const response = await fetchAsItIs(input, init);
    const url = new URL(input instanceof Request ? input.url : input);
    const protocol = recogniseProtocol(init?.method ?? 'GET', url.pathname);
    if (protocol === undefined) return response;
    const asked = protocol.readRequest(JSON.parse(init?.body as string), url.pathname);
    const copy = response.clone();
    seen.push(
      (async () => {
        const bytes = new Uint8Array(await copy.arrayBuffer());
        if (!asked.stream || !copy.ok) return { protocol: protocol.name, asked, facts: protocol.readResponse(copy.status, new TextDecoder().decode(bytes)) };
        const reader = protocol.streamReader({ generations: asked.generations });
        for (let at = 0; at < bytes.length; at += 7) reader.push(bytes.subarray(at, at + 7));
        return { protocol: protocol.name, asked, facts: reader.facts() };
      })(),
    );
    return response;
  };
}

const fetchAsItIs = globalThis.fetch;
let seen: Promise<Seen>[] = [];
beforeEach(() => {
  seen = [];
  globalThis.fetch = watching(seen);
});
afterEach(() => {
  globalThis.fetch = fetchAsItIs;
});

async function only(): Promise<Seen> {
  expect(seen).toHaveLength(1);
  return seen[0]!;
}

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const chunks: T[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const WEATHER = { name: 'get_weather', arguments: '{"city":"Bern"}' };

async function startMock(): Promise<LLMock> {
  const mock = new LLMock({ port: 0, logLevel: 'silent', chunkSize: 5 });
  mock.onMessage('tools', { toolCalls: [WEATHER] });
  mock.onMessage('limit', { error: { message: 'Slow down.', type: 'RESOURCE_EXHAUSTED' }, status: 429 });
  mock.onMessage(/[^]*/, { content: 'Grüße aus Zürich 👋', usage: { prompt_tokens: 17, completion_tokens: 6, total_tokens: 23 } });
  mock.onEmbedding(/[^]*/, { embedding: [0.25, -0.5] });
  await mock.start();
  return mock;
}

/** A server that answers any POST with a fixture, in small pieces. */
async function serving(name: string): Promise<AsyncDisposable & { readonly url: string }> {
  const bytes = readFileSync(new URL(`../src/protocols/fixtures/${name}`, import.meta.url));
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': name.endsWith('.json') ? 'application/json' : name.startsWith('ollama') ? 'application/x-ndjson' : 'text/event-stream' });
      for (let at = 0; at < bytes.length; at += 50) response.write(bytes.subarray(at, at + 50));
      response.end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

let mock: LLMock;
beforeAll(async () => {
  mock = await startMock();
});
afterAll(() => mock.stop());

describe('what @google/genai reads of a third-party mock, our reader reads too', () => {
  const ask = (contents: string) => ({ model: 'gemini-2.5-flash', contents, config: { maxOutputTokens: 50 } });
  const client = (url: string) => new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: url, apiVersion: 'v1beta', retryOptions: { attempts: 1 } } });

  // The client warns of every answer that holds more than text.
  beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined));
  afterEach(() => vi.restoreAllMocks());

  function expectSame({ protocol, asked, facts }: Seen, chunks: readonly GenerateContentResponse[]): void {
    const usage = chunks.findLast((chunk) => chunk.usageMetadata !== undefined)?.usageMetadata;
    expect(protocol).toBe('gemini');
    expect(asked).toMatchObject({ model: 'gemini-2.5-flash', maxOutput: 50, stream: chunks.length > 1 });
    expect(facts).toMatchObject({ complete: true, malformed: false, error: undefined });
    expect(facts.answers[0]?.text).toBe(chunks.map((chunk) => chunk.text ?? '').join(''));
    expect(facts.answers[0]?.toolCalls.map(({ name, argumentsText }) => [name, argumentsText])).toEqual(
      chunks.flatMap((chunk) => chunk.functionCalls ?? []).map(({ name, args }) => [name, JSON.stringify(args)]),
    );
    expect(promptTokens(facts.usage)).toBe(usage?.promptTokenCount);
    expect(completionTokens(facts.usage)).toBe((usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0));
  }

  it('whole', async () => {
    const answer = await client(mock.url).models.generateContent(ask('Hello'));
    expect(answer.usageMetadata?.promptTokenCount).toBe(17);
    expectSame(await only(), [answer]);
  });

  it('streamed', async () => {
    const chunks = await all(await client(mock.url).models.generateContentStream(ask('Hello')));
    expect(chunks.length).toBeGreaterThan(1);
    expectSame(await only(), chunks);
    expect((await only()).facts.usage).toMatchObject({ inputFresh: 17, outputText: 6 });
  });

  it('calling a tool', async () => {
    const answer = await client(mock.url).models.generateContent(ask('Use tools'));
    expect(answer.functionCalls).toHaveLength(1);
    expectSame(await only(), [answer]);
  });

  it('refused', async () => {
    await expect(client(mock.url).models.generateContent(ask('Over the limit'))).rejects.toThrow('Slow down.');
    expect((await only()).facts).toMatchObject({ error: { message: 'Slow down.', code: '429', type: 'RESOURCE_EXHAUSTED' }, complete: false });
  });

  it.each(['gemini-stream-thinking-tools.txt', 'gemini-stream.txt'])('from a stream as the API writes it: %s', async (name) => {
    await using server = await serving(name);
    const chunks = await all(await client(server.url).models.generateContentStream(ask('Hello')));
    expect(chunks.length).toBeGreaterThan(2);
    expectSame(await only(), chunks);
  });

  it('whose prompt is blocked', async () => {
    await using server = await serving('gemini-prompt-blocked.json');
    const answer = await client(server.url).models.generateContent(ask('Hello'));
    expect(answer.promptFeedback?.blockReason).toBe('SAFETY');
    expect((await only()).facts).toMatchObject({ blocked: true, complete: true, usage: { inputFresh: answer.usageMetadata?.promptTokenCount } });
  });

  it('as embeddings', async () => {
    await using server = await serving('gemini-embeddings.json');
    const { embeddings } = await client(server.url).models.embedContent({ model: 'gemini-embedding-001', contents: ['one', 'two'] });
    expect(embeddings).toHaveLength(2);
    expect(await only()).toMatchObject({ protocol: 'gemini', asked: { model: 'gemini-embedding-001', promptText: 'one\ntwo', maxOutput: 0 }, facts: { complete: true, malformed: false } });
  });
});

describe('what ollama’s client reads, our reader reads too', () => {
  const ask = (content: string) => ({ model: 'qwen3:8b', messages: [{ role: 'user', content }], options: { num_predict: 50 } });
  const client = (url: string) => new Ollama({ host: url, fetch: globalThis.fetch });

  interface OllamaChunk {
    readonly message: { readonly content: string; readonly thinking?: string; readonly tool_calls?: readonly { readonly function: { readonly name: string; readonly arguments: object } }[] };
    readonly prompt_eval_count?: number;
    readonly eval_count?: number;
  }

  function expectSame({ protocol, asked, facts }: Seen, chunks: readonly OllamaChunk[]): void {
    const last = chunks.at(-1)!;
    expect(protocol).toBe('ollama');
    expect(asked).toMatchObject({ model: 'qwen3:8b', maxOutput: 50, stream: chunks.length > 1 });
    expect(facts).toMatchObject({ complete: true, malformed: false, error: undefined });
    expect(facts.answers[0]?.text).toBe(chunks.map((chunk) => chunk.message.content).join(''));
    expect(facts.answers[0]?.reasoning ?? '').toBe(chunks.map((chunk) => chunk.message.thinking ?? '').join(''));
    expect(facts.answers[0]?.toolCalls.map(({ name, argumentsText }) => [name, argumentsText])).toEqual(
      chunks.flatMap((chunk) => chunk.message.tool_calls ?? []).map((call) => [call.function.name, JSON.stringify(call.function.arguments)]),
    );
    expect([promptTokens(facts.usage), completionTokens(facts.usage)]).toEqual([last.prompt_eval_count, last.eval_count]);
  }

  it('whole, from a third-party mock', async () => {
    const answer = await client(mock.url).chat({ ...ask('Hello'), stream: false });
    expect(answer.message.content).toBe('Grüße aus Zürich 👋');
    expectSame(await only(), [answer]);
  });

  it('streamed, from a third-party mock', async () => {
    const chunks = await all(await client(mock.url).chat({ ...ask('Hello'), stream: true }));
    expect(chunks.length).toBeGreaterThan(2);
    expectSame(await only(), chunks);
  });

  it('calling a tool, from a third-party mock', async () => {
    const chunks = await all(await client(mock.url).chat({ ...ask('Use tools'), stream: true }));
    expect(chunks.flatMap((chunk) => chunk.message.tool_calls ?? [])).toHaveLength(1);
    expectSame(await only(), chunks);
  });

  it('of a prompt alone, from a third-party mock', async () => {
    const parts = await all(await client(mock.url).generate({ model: 'qwen3:8b', prompt: 'Hello', stream: true }));
    expect((await only()).facts).toMatchObject({ answers: [{ text: parts.map((part) => part.response).join('') }], complete: true });
    expect(parts.map((part) => part.response).join('')).toBe('Grüße aus Zürich 👋');
  });

  it('as embeddings, from a third-party mock', async () => {
    const { embedding } = await client(mock.url).embeddings({ model: 'all-minilm', prompt: 'one' });
    expect(embedding).toEqual([0.25, -0.5]);
    expect(await only()).toMatchObject({ protocol: 'ollama', asked: { stream: false, promptText: 'one' }, facts: { complete: true, malformed: false } });
  });

  it('as several embeddings', async () => {
    await using server = await serving('ollama-embed.json');
    const { embeddings, prompt_eval_count } = await client(server.url).embed({ model: 'all-minilm', input: ['one', 'two'] });
    expect([embeddings.length, prompt_eval_count]).toEqual([2, 8]);
    expect(await only()).toMatchObject({ protocol: 'ollama', asked: { stream: false, promptText: 'one\ntwo' }, facts: { complete: true, usage: { inputFresh: 8, outputText: 0 } } });
  });

  it.each(['ollama-stream.txt', 'ollama-stream-thinking-tools.txt', 'ollama-stream-cached.txt'])('from a stream as the API writes it: %s', async (name) => {
    await using server = await serving(name);
    const chunks = await all(await client(server.url).chat({ ...ask('Hello'), stream: true }));
    expect(chunks.length).toBeGreaterThan(2);
    expectSame(await only(), chunks);
  });

  it('failing in the middle of a stream', async () => {
    await using server = await serving('ollama-stream-error.txt');
    const stream = await client(server.url).chat({ ...ask('Hello'), stream: true });
    await expect(all(stream)).rejects.toThrow('an error was encountered');
    expect((await only()).facts).toMatchObject({ error: { message: expect.stringContaining('an error was encountered') }, complete: false });
  });
});
