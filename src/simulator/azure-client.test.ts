import OpenAI, { AzureOpenAI } from 'openai';
import { describe, expect, it } from 'vitest';
import { startSimulator } from './server.ts';

const ask = { model: 'weak', messages: [{ role: 'user' as const, content: 'What is 6 x 7?' }] };
const open = (endpoint: string, apiKey = 'key'): AzureOpenAI => new AzureOpenAI({ endpoint, apiKey, apiVersion: '2024-10-21', maxRetries: 0 });

describe('Azure through the AzureOpenAI client', () => {
  it('answers whole, with filter annotations', async () => {
    await using simulator = await startSimulator();
    const { data, response } = await open(simulator.url).chat.completions.create(ask).withResponse();
    expect(data.choices[0]!.message.content).toBe('42');
    expect(data).toMatchObject({ prompt_filter_results: [{ prompt_index: 0 }], choices: [{ content_filter_results: { hate: { filtered: false } } }] });
    expect(response.headers.get('apim-request-id')).toBe(simulator.log()[0]!.request_id);
  });

  it('streams, beginning with a chunk of no choices', async () => {
    await using simulator = await startSimulator();
    const stream = await open(simulator.url).chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } });
    const chunks = await Array.fromAsync(stream);
    expect(chunks[0]!.choices).toEqual([]);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('42');
    expect(chunks.at(-1)!.usage).toMatchObject({ completion_tokens: 1 });
  });

  it('takes the deployment from the path, not from the body', async () => {
    await using simulator = await startSimulator();
    const client = new AzureOpenAI({ endpoint: simulator.url, apiKey: 'key', apiVersion: '2024-10-21', deployment: 'echo', maxRetries: 0 });
    expect((await client.chat.completions.create(ask)).choices[0]!.message.content).toBe('What is 6 x 7?');
    expect(Object.keys(simulator.stats().by_model)).toEqual(['echo']);
  });

  it('serves embeddings and responses', async () => {
    await using simulator = await startSimulator();
    const client = open(simulator.url);
    expect((await client.embeddings.create({ model: 'weak', input: 'tea' })).data).toHaveLength(1);
    expect((await client.responses.create({ model: 'weak', input: 'What is 6 x 7?' })).output_text).toBe('42');
  });

  it('serves the v1 path with a key in either place', async () => {
    await using simulator = await startSimulator({ apiKeys: ['key'] });
    const client = new OpenAI({ apiKey: 'key', baseURL: `${simulator.url}/openai/v1`, maxRetries: 0 });
    expect((await client.chat.completions.create(ask)).choices[0]!.message.content).toBe('42');
    const other = new OpenAI({ apiKey: 'none', baseURL: `${simulator.url}/openai/v1`, maxRetries: 0, defaultHeaders: { authorization: null, 'api-key': 'key' } });
    expect((await other.chat.completions.create(ask)).choices[0]!.message.content).toBe('42');
  });

  it('blocks a prompt with 400 content_filter, whole and streamed, and charges nothing', async () => {
    await using simulator = await startSimulator({ faults: { contentFilter: 1 } });
    for (const stream of [false, true]) {
      const failure = await open(simulator.url).chat.completions.create({ ...ask, stream }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(OpenAI.BadRequestError);
      expect(failure).toMatchObject({ status: 400, code: 'content_filter', error: { innererror: { code: 'ResponsibleAIPolicyViolation', content_filter_result: { violence: { filtered: true } } } } });
    }
    expect(simulator.stats()).toMatchObject({ requests: { ok: 0, error: 2 }, faults: { contentFilter: 2 }, tokens: { total_tokens: 0 } });
  });

  it('speaks its own error shapes', async () => {
    await using simulator = await startSimulator({ apiKeys: ['key'], limits: { kind: 'fixed-window', rpm: 1, tpm: 1000 } });
    await expect(open(simulator.url, 'wrong').chat.completions.create(ask)).rejects.toMatchObject({ status: 401, code: '401' });
    await expect(open(simulator.url).chat.completions.create({ ...ask, model: 'gpt-9' })).rejects.toMatchObject({ status: 404, code: 'DeploymentNotFound' });
    const withoutVersion = await fetch(`${simulator.url}/openai/deployments/weak/chat/completions`, { method: 'POST', body: JSON.stringify(ask) });
    expect([withoutVersion.status, await withoutVersion.json()]).toEqual([404, { error: { code: '404', message: 'Resource not found' } }]);
    await open(simulator.url).chat.completions.create(ask);
    const failure = (await open(simulator.url).chat.completions.create(ask).catch((error: unknown) => error)) as InstanceType<typeof OpenAI.RateLimitError>;
    expect(failure).toMatchObject({ status: 429, code: '429' });
    const headers = Object.fromEntries(failure.headers);
    expect(Number(headers['retry-after-ms'])).toBeGreaterThan(0);
    expect(Number(headers['retry-after']) * 1000).toBeGreaterThanOrEqual(Number(headers['retry-after-ms']));
    expect(headers).toMatchObject({ 'x-ratelimit-limit-requests': '1', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-limit-tokens': '1000' });
    expect(headers).not.toHaveProperty('x-ratelimit-reset-requests');
  });
});
