import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { LLMock, type ChatCompletionRequest } from '@copilotkit/aimock';
import { GoogleGenAI } from '@google/genai';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { generateText, streamText } from 'ai';
import { Ollama } from 'ollama';
import OpenAI, { AzureOpenAI } from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { completionTokens, promptTokens, sumKnown } from '../core/index.ts';
import type { GatewayScope } from './contract.ts';
import { openGatewayRig, type GatewayRig } from './testing/gateway-rig.ts';

const ANSWER = 'An answer of some length, in several pieces.';
const messages = [{ role: 'user' as const, content: 'hello' }];

let mock: LLMock;
let rig: GatewayRig;
let scope: GatewayScope;
let told: { prompt: number; completion: number };

/** Depends on the request, so that no two sums agree by luck. */
function usageOf({ model, messages: asked }: ChatCompletionRequest): { readonly prompt_tokens: number; readonly completion_tokens: number; readonly total_tokens: number } {
  const length = model.length + JSON.stringify(asked.map(({ content }) => content)).length;
  const [prompt, completion] = [7 + (length % 101), 3 + (length % 37)];
  told = { prompt: told.prompt + prompt, completion: told.completion + completion };
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

beforeEach(async () => {
  told = { prompt: 0, completion: 0 };
  mock = new LLMock({ port: 0, logLevel: 'silent', chunkSize: 7 });
  mock.on({ userMessage: 'fail' }, () => ({ error: { message: 'it broke', type: 'server_error' }, status: 500 }));
  mock.on({ userMessage: 'slow' }, { content: ANSWER }, { chunkSize: 2, latency: 50 });
  mock.onEmbedding(/[^]*/, { embedding: [0.5, 0.25] });
  mock.onMessage(/[^]*/, (request) => ({ content: ANSWER, usage: usageOf(request) }));
  await mock.start();
  rig = await openGatewayRig({
    upstreams: [
      { name: 'openai', kind: 'openai', url: `${mock.url}/v1` },
      { name: 'azure', kind: 'azure', url: mock.url },
      { name: 'anthropic', kind: 'anthropic', url: mock.url },
      { name: 'gemini', kind: 'gemini', url: mock.url },
      { name: 'ollama', kind: 'ollama', url: mock.url },
    ],
  });
  scope = rig.gateway.openScope({ trial: 't' });
});

afterEach(async () => {
  await rig[Symbol.asyncDispose]();
  await mock.stop();
});

/** What the ledger has is what the mock says it did, all in the scope's trial. */
async function agrees(calls: number, { tokens = true }: { readonly tokens?: boolean } = {}): Promise<void> {
  const rows = await rig.settled(calls);
  const journal = mock.getRequests().filter(({ method }) => method === 'POST');
  expect(rows).toHaveLength(calls);
  expect(journal).toHaveLength(calls);
  expect(rows.map(({ settlement }) => settlement?.httpStatus)).toEqual(journal.map(({ response }) => response.status));
  expect(rows.map(({ intent }) => intent.scope)).toEqual(rows.map(() => ({ trial: 't' })));
  if (!tokens) return;
  const usages = rows.flatMap(({ settlement }) => (settlement === null || settlement.usage.source === 'unknown' ? [] : [settlement.usage]));
  expect(usages.every(({ source }) => source === 'reported')).toBe(true);
  expect({ prompt: sumKnown(...usages.map(promptTokens)), completion: sumKnown(...usages.map(completionTokens)) }).toEqual(told);
}

async function joined<T>(stream: AsyncIterable<T>, text: (piece: T) => string | null | undefined): Promise<string> {
  let all = '';
  for await (const piece of stream) all += text(piece) ?? '';
  return all;
}

describe('real clients through the gateway', () => {
  it('openai: chat, responses, embeddings, lists, streams and failures', async () => {
    const client = new OpenAI({ baseURL: scope.baseUrl('openai'), apiKey: 'sk-none', maxRetries: 1 });
    const whole = await client.chat.completions.create({ model: 'gpt-4.1', messages }).withResponse();
    expect(whole.data.choices[0]!.message.content).toBe(ANSWER);
    expect(whole.response.headers.get('x-assay-tokens-total')).toBe(String(whole.data.usage!.total_tokens));
    expect(await joined(await client.chat.completions.create({ model: 'gpt-4.1-mini', messages, stream: true }), (chunk) => chunk.choices[0]!.delta.content)).toBe(ANSWER);
    const asked = await client.chat.completions.create({ model: 'gpt-4.1-nano', messages, stream: true, stream_options: { include_usage: true } });
    let usage: unknown;
    for await (const chunk of asked) usage = chunk.usage ?? usage;
    expect(usage).toHaveProperty('total_tokens');
    expect(await client.chat.completions.stream({ model: 'gpt-4o', messages }).finalContent()).toBe(ANSWER);
    expect((await client.responses.create({ model: 'gpt-5', input: 'hello' })).output_text).toBe(ANSWER);
    expect(await joined(await client.responses.create({ model: 'gpt-5-mini', input: 'hello', stream: true }), (each) => (each.type === 'response.output_text.delta' ? each.delta : ''))).toBe(ANSWER);
    await expect(client.chat.completions.create({ model: 'gpt-4.1', messages: [{ role: 'user', content: 'fail' }] })).rejects.toMatchObject({ status: 500, message: expect.stringContaining('it broke') as string });
    await agrees(8);
    expect((await rig.rows()).map(({ intent }) => intent.retry)).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
    expect((await client.models.list()).data.length).toBeGreaterThan(0);
    expect((await client.embeddings.create({ model: 'text-embedding-3-small', input: 'hello' })).data[0]!.embedding).toHaveLength(2);
    await agrees(9, { tokens: false });
    expect(rig.warnings).toEqual([]);
  });

  it('openai: leaves a stream early', async () => {
    const client = new OpenAI({ baseURL: scope.baseUrl('openai'), apiKey: 'sk-none' });
    const stream = await client.chat.completions.create({ model: 'gpt-4.1', messages: [{ role: 'user', content: 'slow' }], stream: true });
    for await (const chunk of stream) if ((chunk.choices[0]?.delta.content ?? '') !== '') break;
    expect((await rig.settled(1))[0]!.settlement?.status).toBe('aborted');
  });

  it('openai: reads what the gateway refuses as an error of the API, and does not insist', async () => {
    const closedRig = await openGatewayRig({ upstreams: [{ name: 'openai', kind: 'openai', url: `${mock.url}/v1` }], limits: { tpm: 10, counts: 'reserved' } });
    try {
      const client = new OpenAI({ baseURL: closedRig.gateway.baseUrl('openai'), apiKey: 'sk-none', maxRetries: 3 });
      await expect(client.chat.completions.create({ model: 'gpt-4.1', messages, max_completion_tokens: 500 })).rejects.toMatchObject({ status: 429, code: 'too_large', message: expect.stringContaining('can never pass the tpm limit') as string });
      expect(closedRig.gateway.figures()).toMatchObject({ calls: 0, refused: 1 });
    } finally {
      await closedRig[Symbol.asyncDispose]();
    }
  });

  it('AzureOpenAI', async () => {
    const client = new AzureOpenAI({ endpoint: scope.baseUrl('azure'), apiKey: 'none', apiVersion: '2024-10-21', deployment: 'my-gpt' });
    expect((await client.chat.completions.create({ model: 'gpt-4.1', messages })).choices[0]!.message.content).toBe(ANSWER);
    expect(await joined(await client.chat.completions.create({ model: 'gpt-4.1', messages, stream: true }), (chunk) => chunk.choices[0]?.delta.content)).toBe(ANSWER);
    await agrees(2);
    expect((await rig.rows())[0]!.intent.deployment).toMatch(/\/my-gpt$/);
  });

  it('@anthropic-ai/sdk', async () => {
    const client = new Anthropic({ baseURL: scope.baseUrl('anthropic'), apiKey: 'none', maxRetries: 0 });
    const whole = await client.messages.create({ model: 'claude-opus-4-6', max_tokens: 50, messages });
    expect(whole.content[0]).toMatchObject({ type: 'text', text: ANSWER });
    expect(await client.messages.stream({ model: 'claude-haiku-4-5', max_tokens: 50, messages }).finalText()).toBe(ANSWER);
    await expect(client.messages.create({ model: 'claude-opus-4-6', max_tokens: 50, messages: [{ role: 'user', content: 'fail' }] })).rejects.toMatchObject({ status: 500 });
    await agrees(3);
  });

  it('@google/genai', async () => {
    const client = new GoogleGenAI({ apiKey: 'none', apiVersion: 'v1beta', httpOptions: { baseUrl: scope.baseUrl('gemini') } });
    expect((await client.models.generateContent({ model: 'gemini-2.5-flash', contents: 'hello' })).text).toBe(ANSWER);
    expect(await joined(await client.models.generateContentStream({ model: 'gemini-2.5-pro', contents: 'hello' }), (chunk) => chunk.text)).toBe(ANSWER);
    await agrees(2);
  });

  it('ollama', async () => {
    const client = new Ollama({ host: scope.baseUrl('ollama') });
    expect((await client.chat({ model: 'qwen3:8b', messages })).message.content).toBe(ANSWER);
    expect(await joined(await client.chat({ model: 'qwen3:8b', messages, stream: true }), (chunk) => chunk.message.content)).toBe(ANSWER);
    expect((await client.generate({ model: 'qwen3:8b', prompt: 'hello' })).response).toBe(ANSWER);
    // The mock says nothing of the tokens of Ollama's models.
    await agrees(3, { tokens: false });
    expect((await rig.rows()).map(({ intent }) => [intent.protocol, intent.deployment])).toEqual(Array.from({ length: 3 }, () => ['ollama', `ollama/${new URL(mock.url).host}/qwen3:8b`]));
  });

  it('the AI SDK', async () => {
    const openai = createOpenAI({ baseURL: scope.baseUrl('openai'), apiKey: 'none' });
    // This one wants the version in its base URL.
    const anthropic = createAnthropic({ baseURL: `${scope.baseUrl('anthropic')}/v1`, apiKey: 'none' });
    for (const model of [openai('gpt-5'), openai.chat('gpt-4.1'), anthropic('claude-opus-4-6')]) {
      expect((await generateText({ model, prompt: 'hello', maxRetries: 0 })).text).toBe(ANSWER);
      expect(await streamText({ model, prompt: 'hello', maxRetries: 0 }).text).toBe(ANSWER);
    }
    await agrees(6);
  });

  it('LangChain', async () => {
    const configuration = { baseURL: scope.baseUrl('openai') };
    const model = new ChatOpenAI({ model: 'gpt-4.1', apiKey: 'none', configuration, maxRetries: 0 });
    expect((await model.invoke('hello')).text).toBe(ANSWER);
    expect(await joined(await model.stream('hello'), (chunk) => chunk.text)).toBe(ANSWER);
    await agrees(2);
    expect(await new OpenAIEmbeddings({ apiKey: 'none', configuration, encodingFormat: 'float' }).embedQuery('hello')).toHaveLength(2);
    await agrees(3, { tokens: false });
  });
});
