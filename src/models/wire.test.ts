import { describe, expect, it } from 'vitest';
import { openRig } from '../transport/testing/rig.ts';
import { answer, completion, serve, type Received, type Server } from '../transport/testing/server.ts';
import type { GenerateRequest } from './contract.ts';
import type { ProviderSettings } from './provider-settings.ts';
import { ALL_KEYS, open } from './testing/open.ts';

const ASK: GenerateRequest = {
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'hello' },
  ],
  temperature: 0.5,
  topP: 0.9,
  seed: 7,
  maxOutputTokens: 40,
  stop: ['END'],
  tools: [{ name: 'look_up', description: 'Looks a word up', parameters: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] } }],
};

const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  model: 'm',
  output: [{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'hi', annotations: [] }] }],
  usage: { input_tokens: 4, output_tokens: 2, total_tokens: 6 },
};
const MESSAGE = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'hi' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 4, output_tokens: 2 } };
const TOOL = { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] };
const CHAT_TOOL = { type: 'function', function: { name: 'look_up', description: 'Looks a word up', parameters: TOOL } };
const CHAT_MESSAGES = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'hello' },
];
const CHAT_BODY = { messages: CHAT_MESSAGES, temperature: 0.5, top_p: 0.9, seed: 7, max_tokens: 40, stop: ['END'], tool_choice: 'auto' };

interface Case {
  readonly spec: (server: Server) => string;
  readonly settings: (server: Server) => ProviderSettings;
  readonly apiKeyEnv?: string;
  readonly reply: unknown;
  readonly url: string;
  readonly deployment: (server: Server) => string;
  /** Headers that must be there, and no other that carries a credential. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const host = (server: Server): string => new URL(server.url).host;

const CASES: Readonly<Record<string, Case>> = {
  'openai chat': {
    spec: () => 'openai:gpt-4.1-mini',
    settings: ({ url }) => ({ openai: { baseUrl: `${url}/v1`, headers: { 'x-mine': '${SOME_KEY}' } } }),
    reply: completion('hi'),
    url: '/v1/chat/completions',
    deployment: (server) => `openai/${host(server)}/gpt-4.1-mini`,
    credentials: { authorization: 'Bearer key-of-openai' },
    headers: { 'x-mine': 'key-of-some' },
    body: { model: 'gpt-4.1-mini', ...CHAT_BODY },
  },
  'openai of an organization': {
    spec: () => 'openai:gpt-4.1-mini',
    settings: ({ url }) => ({ openai: { baseUrl: `${url}/v1`, organization: 'org-1', project: '${SOME_KEY}' } }),
    reply: completion('hi'),
    url: '/v1/chat/completions',
    deployment: () => 'openai/org-1/gpt-4.1-mini',
    credentials: { authorization: 'Bearer key-of-openai' },
    headers: { 'openai-organization': 'org-1', 'openai-project': 'key-of-some' },
    body: { model: 'gpt-4.1-mini', ...CHAT_BODY },
  },
  'openai responses': {
    spec: () => 'openai:gpt-4.1-mini',
    settings: ({ url }) => ({ openai: { baseUrl: `${url}/v1/`, api: 'responses' } }),
    reply: RESPONSE,
    url: '/v1/responses',
    deployment: (server) => `openai/${host(server)}/gpt-4.1-mini`,
    credentials: { authorization: 'Bearer key-of-openai' },
    body: { model: 'gpt-4.1-mini', temperature: 0.5, top_p: 0.9, max_output_tokens: 40, tools: [{ type: 'function', name: 'look_up', description: 'Looks a word up', parameters: TOOL }], tool_choice: 'auto' },
  },
  azure: {
    spec: () => 'azure:my-gpt',
    settings: ({ url }) => ({ azure: { endpoint: url } }),
    reply: completion('hi'),
    url: '/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21',
    deployment: (server) => `azure/${host(server)}/my-gpt`,
    credentials: { 'api-key': 'key-of-azure-openai' },
    body: CHAT_BODY,
  },
  'azure with an api-version': {
    spec: () => 'azure:my-gpt',
    settings: ({ url }) => ({ azure: { endpoint: `${url}/openai/`, apiVersion: '2025-01-01-preview' } }),
    reply: completion('hi'),
    url: '/openai/deployments/my-gpt/chat/completions?api-version=2025-01-01-preview',
    deployment: (server) => `azure/${host(server)}/my-gpt`,
    credentials: { 'api-key': 'key-of-azure-openai' },
    body: CHAT_BODY,
  },
  anthropic: {
    spec: () => 'anthropic:claude-sonnet-4-5',
    settings: ({ url }) => ({ anthropic: { baseUrl: `${url}/v1` } }),
    reply: MESSAGE,
    url: '/v1/messages',
    deployment: (server) => `anthropic/${host(server)}/claude-sonnet-4-5`,
    credentials: { 'x-api-key': 'key-of-anthropic' },
    headers: { 'anthropic-version': '2023-06-01' },
    body: {
      model: 'claude-sonnet-4-5',
      max_tokens: 40,
      temperature: 0.5,
      stop_sequences: ['END'],
      system: [{ type: 'text', text: 'Be brief.' }],
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
      tools: [{ name: 'look_up', description: 'Looks a word up', input_schema: TOOL }],
      tool_choice: { type: 'auto' },
    },
  },
  'anthropic of another version, base URL without /v1': {
    spec: () => 'anthropic:claude-sonnet-4-5',
    settings: ({ url }) => ({ anthropic: { baseUrl: url, version: '2024-01-01' } }),
    reply: MESSAGE,
    url: '/v1/messages',
    deployment: (server) => `anthropic/${host(server)}/claude-sonnet-4-5`,
    credentials: { 'x-api-key': 'key-of-anthropic' },
    headers: { 'anthropic-version': '2024-01-01' },
    body: { model: 'claude-sonnet-4-5' },
  },
  'compat inline, which gets no key': {
    spec: ({ url }) => `compat:${url}/v1#any/model:8b`,
    settings: () => ({}),
    reply: completion('hi'),
    url: '/v1/chat/completions',
    deployment: (server) => `compat/${host(server)}/any/model:8b`,
    credentials: {},
    body: { model: 'any/model:8b', ...CHAT_BODY, tools: [CHAT_TOOL] },
  },
  'compat inline with a key of its own': {
    spec: ({ url }) => `compat:${url}/v1/#m`,
    settings: () => ({}),
    apiKeyEnv: 'SOME_KEY',
    reply: completion('hi'),
    url: '/v1/chat/completions',
    deployment: (server) => `compat/${host(server)}/m`,
    credentials: { authorization: 'Bearer key-of-some' },
    body: { model: 'm', ...CHAT_BODY },
  },
  'compat inline with a query': {
    spec: ({ url }) => `compat:${url}/serve/chat/completions?api-version=3&tenant=a#m`,
    settings: () => ({}),
    reply: completion('hi'),
    url: '/serve/chat/completions?api-version=3&tenant=a',
    deployment: (server) => `compat/${host(server)}/m`,
    credentials: {},
    body: { model: 'm' },
  },
  'compat by name': {
    spec: () => 'compat:local',
    settings: ({ url }) => ({ compat: { local: { baseUrl: `${url}/v1?key=\${SOME_KEY}`, model: 'qwen3:8b', headers: { 'x-team': 'red' } } } }),
    reply: completion('hi'),
    url: '/v1/chat/completions?key=key-of-some',
    deployment: (server) => `compat/${host(server)}/qwen3:8b`,
    credentials: {},
    headers: { 'x-team': 'red' },
    body: { model: 'qwen3:8b', ...CHAT_BODY },
  },
  'compat by name with its key and another model': {
    spec: () => 'compat:local#llama',
    settings: ({ url }) => ({ compat: { local: { baseUrl: `${url}/v1`, model: 'qwen3:8b', apiKeyEnv: 'SOME_KEY' } } }),
    reply: completion('hi'),
    url: '/v1/chat/completions',
    deployment: (server) => `compat/${host(server)}/llama`,
    credentials: { authorization: 'Bearer key-of-some' },
    body: { model: 'llama' },
  },
  sim: {
    spec: () => 'sim:weak',
    settings: () => ({}),
    reply: completion('hi'),
    url: '/v1/chat/completions',
    deployment: () => 'sim/local/weak',
    credentials: {},
    body: { model: 'weak', ...CHAT_BODY, tools: [CHAT_TOOL] },
  },
};

const CREDENTIALS = ['authorization', 'api-key', 'x-api-key'] as const;

function credentialsOf({ headers }: Received): Record<string, unknown> {
  return Object.fromEntries(CREDENTIALS.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}

describe('what each provider is sent', () => {
  const given = (name: string): Case => CASES[name]!;

  it.each(Object.keys(CASES))('%s', async (name) => {
    const { spec, settings, reply, apiKeyEnv, ...expected } = given(name);
    await using server = await serve(answer(200, reply));
    await using rig = await openRig();
    const target = await open(spec(server), rig, { settings: settings(server), env: ALL_KEYS, simulator: server.url, ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }) });
    const outputs = await target.generate(ASK);
    expect(outputs).toMatchObject([{ text: 'hi', finishReason: 'stop', blocked: false }]);
    const [request] = server.received;
    expect(request).toMatchObject({ method: 'POST', url: expected.url, headers: { 'content-type': 'application/json', ...expected.headers } });
    expect(credentialsOf(request!)).toEqual(expected.credentials);
    expect(request?.json).toMatchObject(expected.body);
    expect(request?.json['stream'] ?? false).toBe(false);
    expect(target).toMatchObject({ spec: spec(server), deployment: expected.deployment(server), host: '127.0.0.1' });
    const { intent, settlement } = await rig.row();
    expect(intent).toMatchObject({ target: spec(server), deployment: expected.deployment(server), simulated: name === 'sim' });
    expect(settlement).toMatchObject({ status: 'ok', usage: { source: 'reported' } });
    expect(settlement?.id).toBe(outputs[0]?.callId);
  });

  it.each(Object.keys(CASES))('%s, asked for a stream', async (name) => {
    const { spec, settings, reply, apiKeyEnv, ...expected } = given(name);
    // A whole body will do for an answer: what is asked for is what counts here.
    await using server = await serve(answer(200, reply));
    await using rig = await openRig();
    const target = await open(spec(server), rig, { settings: settings(server), env: ALL_KEYS, simulator: server.url, ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }) });
    expect(await target.generate({ ...ASK, stream: true })).toMatchObject([{ text: 'hi' }]);
    const [request] = server.received;
    expect(request?.url).toBe(expected.url);
    // The other formats tell usage without being asked.
    const asksForUsage = expected.url.includes('/chat/completions') ? { stream_options: { include_usage: true } } : {};
    expect(request?.json).toMatchObject({ ...expected.body, stream: true, ...asksForUsage });
  });

  it('asks for several at once with `n`, where the provider takes it', async () => {
    const choices = ['a', 'b', 'c'].map((content, index) => ({ index, message: { role: 'assistant', content }, finish_reason: 'stop' }));
    await using server = await serve(answer(200, completion('', { choices })));
    await using rig = await openRig();
    for (const [spec, settings] of [
      ['openai:m', { openai: { baseUrl: `${server.url}/v1` } }],
      ['azure:m', { azure: { endpoint: server.url } }],
      ['compat:many', { compat: { many: { baseUrl: `${server.url}/v1`, model: 'm', supportsN: true } } }],
      ['sim:weak', {}],
    ] as const) {
      const target = await open(spec, rig, { settings, env: ALL_KEYS, simulator: server.url });
      expect((await target.generate({ ...ASK, generations: 3 })).map(({ text }) => text)).toEqual(['a', 'b', 'c']);
    }
    expect(server.received.map(({ json }) => json['n'])).toEqual([3, 3, 3, 3]);
    expect((await rig.rows()).map(({ intent }) => intent.reservedTokens >= 120)).toEqual([true, true, true, true]);
  });
});

describe('what a conversation with tools is sent as', () => {
  const TURNS: GenerateRequest = {
    messages: [
      { role: 'user', content: 'look up tea' },
      { role: 'assistant', content: '', toolCalls: [{ id: 'call_1', name: 'look_up', argumentsText: '{"word":"tea"}' }] },
      { role: 'tool', content: 'a drink', toolCallId: 'call_1', name: 'look_up' },
      { role: 'assistant', content: 'It is a drink.' },
      { role: 'user', content: 'thanks' },
    ],
  };

  it('chat completions: calls by id, answered by tool messages', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    await (await open(`compat:${server.url}/v1#m`, rig)).generate({ ...TURNS, tools: ASK.tools!, toolChoice: { name: 'look_up' } });
    expect(server.received[0]?.json).toMatchObject({
      messages: [
        { role: 'user', content: 'look up tea' },
        { role: 'assistant', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{"word":"tea"}' } }] },
        { role: 'tool', tool_call_id: 'call_1', content: 'a drink' },
        { role: 'assistant', content: 'It is a drink.' },
        { role: 'user', content: 'thanks' },
      ],
      tool_choice: { type: 'function', function: { name: 'look_up' } },
    });
  });

  it('messages: tool_use blocks, answered by tool_result blocks', async () => {
    await using server = await serve(answer(200, MESSAGE));
    await using rig = await openRig();
    await (await open('anthropic:claude-sonnet-4-5', rig, { env: ALL_KEYS, settings: { anthropic: { baseUrl: server.url } } })).generate({ ...TURNS, tools: ASK.tools! });
    expect(server.received[0]?.json['messages']).toMatchObject([
      { role: 'user', content: [{ type: 'text', text: 'look up tea' }] },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'look_up', input: { word: 'tea' } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: 'a drink' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'It is a drink.' }] },
      { role: 'user', content: [{ type: 'text', text: 'thanks' }] },
    ]);
  });

  it('responses: function_call items, answered by function_call_output items', async () => {
    await using server = await serve(answer(200, RESPONSE));
    await using rig = await openRig();
    await (await open('openai:gpt-4.1', rig, { env: ALL_KEYS, settings: { openai: { baseUrl: `${server.url}/v1`, api: 'responses' } } })).generate(TURNS);
    expect(server.received[0]?.json['input']).toMatchObject([
      { role: 'user', content: [{ type: 'input_text', text: 'look up tea' }] },
      { type: 'function_call', call_id: 'call_1', name: 'look_up', arguments: '{"word":"tea"}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'a drink' },
      { role: 'assistant', content: 'It is a drink.' },
      { role: 'user', content: [{ type: 'input_text', text: 'thanks' }] },
    ]);
  });
});
