import { LLMock, type JournalEntry } from '@copilotkit/aimock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRig } from '../transport/testing/rig.ts';
import type { GenerateRequest } from './contract.ts';
import { ALL_KEYS, open } from './testing/open.ts';

let mock: LLMock;
beforeAll(async () => {
  mock = new LLMock({ port: 0, logLevel: 'silent', latency: 0 });
  await mock.start();
});
afterAll(() => mock.stop());
beforeEach(() => {
  mock.clearFixtures();
  mock.clearRequests();
});

const USAGES = {
  chat: { prompt_tokens: 21, completion_tokens: 8, total_tokens: 29 },
  responses: { input_tokens: 21, output_tokens: 8, total_tokens: 29 },
  messages: { input_tokens: 21, output_tokens: 8 },
} as const;

const WAYS = (
  [
    ['openai chat', 'openai:gpt-4.1-mini', 'chat', '/v1/chat/completions'],
    ['openai responses', 'openai:gpt-4.1-mini', 'responses', '/v1/responses'],
    ['azure', 'azure:my-gpt', 'chat', '/openai/deployments/my-gpt/chat/completions'],
    ['anthropic', 'anthropic:claude-sonnet-4-5', 'messages', '/v1/messages'],
    ['compat', 'compat:', 'chat', '/v1/chat/completions'],
  ] as const
).flatMap((way) => [
  [...way, false],
  [...way, true],
] as const);

describe.each(WAYS)('%s against a third-party mock', (name, spec, kind, path, stream) => {
  const play = async (ask: Partial<GenerateRequest> = {}) => {
    await using rig = await openRig();
    const settings = {
      openai: { baseUrl: `${mock.url}/v1`, ...(kind === 'responses' ? { api: 'responses' as const } : {}) },
      azure: { endpoint: mock.url },
      anthropic: { baseUrl: mock.url },
    };
    const target = await open(name === 'compat' ? `compat:${mock.url}/v1#any-model` : spec, rig, { settings, env: ALL_KEYS });
    const outputs = await target.generate({ messages: [{ role: 'user', content: 'hello there' }], maxOutputTokens: 100, stream, ...ask });
    return { outputs, rows: await rig.rows() };
  };
  const paths = (): string[] => mock.getRequests().map((entry: JournalEntry) => entry.path.replace(/\?.*$/, ''));

  it(`is answered in words, with the usage the mock told (streamed: ${stream})`, async () => {
    mock.onMessage(/hello/, { content: 'A good day to you.', usage: USAGES[kind] });
    const { outputs, rows } = await play();
    expect(outputs).toMatchObject([{ text: 'A good day to you.', finishReason: 'stop', blocked: false }]);
    expect(paths()).toEqual([path]);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.settlement).toMatchObject({ status: 'ok', usage: { source: 'reported', inputFresh: 21, outputText: 8 } });
  });

  it(`is answered by a tool call (streamed: ${stream})`, async () => {
    mock.onMessage(/hello/, { toolCalls: [{ id: 'call_abc', name: 'greet', arguments: '{"name":"you"}' }] });
    const { outputs } = await play({ tools: [{ name: 'greet', parameters: { type: 'object', properties: { name: { type: 'string' } } } }] });
    expect(outputs).toMatchObject([{ finishReason: 'tool_calls', toolCalls: [{ id: 'call_abc', name: 'greet' }] }]);
    expect(JSON.parse(outputs[0]!.toolCalls![0]!.argumentsText)).toEqual({ name: 'you' });
  });

  it(`is tried again after a 503 (streamed: ${stream})`, async () => {
    mock.onMessage(/hello/, { content: 'At last.' });
    mock.nextRequestError(503, { message: 'busy', type: 'server_error' });
    const { outputs, rows } = await play();
    expect(outputs).toMatchObject([{ text: 'At last.' }]);
    expect(rows.map((row) => row.settlement?.httpStatus)).toEqual([503, 200]);
    expect(paths()).toEqual([path, path]);
  });

  it(`is refused with the provider's own words (streamed: ${stream})`, async () => {
    mock.onMessage(/hello/, { content: 'never' });
    mock.nextRequestError(401, { message: 'no such key', type: 'invalid_request_error' });
    await expect(play()).rejects.toMatchObject({ httpStatus: 401, message: expect.stringContaining('no such key'), hint: expect.stringContaining('key') });
  });
});
