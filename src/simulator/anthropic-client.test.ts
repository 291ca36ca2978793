import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import type { SimulatorOptions } from './options.ts';
import { type Simulator, startSimulator } from './server.ts';

async function connect(options: SimulatorOptions = {}): Promise<{ simulator: Simulator; client: Anthropic } & AsyncDisposable> {
  const simulator = await startSimulator(options);
  const client = new Anthropic({ apiKey: 'key', baseURL: simulator.url, maxRetries: 0 });
  return { simulator, client, [Symbol.asyncDispose]: () => simulator.close() };
}

const ask = { model: 'weak', max_tokens: 400, system: 'Be brief.', messages: [{ role: 'user' as const, content: 'Tell me about tea' }] };
const textOf = ({ content }: Anthropic.Message): string => content.map((block) => (block.type === 'text' ? block.text : '')).join('');

describe('messages through the Anthropic client', () => {
  it('answers whole and streamed alike, with the usage that the simulator counts', async () => {
    await using at = await connect();
    const whole = await at.client.messages.create(ask);
    const streamed = await at.client.messages.stream(ask).finalMessage();
    expect(whole).toMatchObject({ type: 'message', role: 'assistant', model: 'weak', stop_reason: 'end_turn', stop_sequence: null });
    expect(textOf(whole).length).toBeGreaterThan(10);
    expect(textOf(streamed)).toBe(textOf(whole));
    expect(streamed.usage).toMatchObject(whole.usage);
    expect(whole._request_id).toBe(at.simulator.log()[0]!.request_id);
    const { tokens } = at.simulator.stats();
    expect(tokens.prompt_tokens).toBe(whole.usage.input_tokens * 2);
    expect(tokens.completion_tokens).toBe(whole.usage.output_tokens * 2);
  });

  it('sends cumulative usage: the closing figures are totals', async () => {
    await using at = await connect();
    const events = await Array.fromAsync(await at.client.messages.create({ ...ask, stream: true }));
    const opening = events.find((event) => event.type === 'message_start')!.message.usage;
    const closing = events.find((event) => event.type === 'message_delta')!.usage;
    expect(opening.output_tokens).toBe(1);
    expect(closing.output_tokens).toBe(at.simulator.stats().tokens.completion_tokens);
    expect(events.map(({ type }) => type).filter((type) => type !== 'content_block_delta')).toEqual(['message_start', 'content_block_start', 'content_block_stop', 'message_delta', 'message_stop']);
  });

  it('thinks only for those who ask, inside the output tokens', async () => {
    await using at = await connect({ profiles: { reasoner: { behaviour: 'weak', reasoning: { min: 30, max: 30 } } } });
    const thinking = { ...ask, model: 'reasoner', thinking: { type: 'enabled' as const, budget_tokens: 1024 } };
    const whole = await at.client.messages.create(thinking);
    const streamed = await at.client.messages.stream(thinking).finalMessage();
    expect(whole.content.map(({ type }) => type)).toEqual(['thinking', 'text']);
    expect(streamed.content).toEqual(whole.content.map((block) => expect.objectContaining(block)));
    expect(whole.usage.output_tokens_details?.thinking_tokens).toBe(30);
    const plain = await at.client.messages.create({ ...ask, model: 'reasoner' });
    expect(plain.content.map(({ type }) => type)).toEqual(['text']);
    expect(whole.usage.output_tokens).toBe(plain.usage.output_tokens + 30);
    expect(at.simulator.stats().tokens.reasoning_tokens).toBe(60);
  });

  it('keeps to max tokens and stop sequences', async () => {
    await using at = await connect();
    const echo = { ...ask, model: 'echo', messages: [{ role: 'user' as const, content: 'one two three four' }] };
    expect(await at.client.messages.create({ ...echo, max_tokens: 2 })).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 2 } });
    const stopped = await at.client.messages.create({ ...echo, stop_sequences: ['three'] });
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'three' });
    expect(textOf(stopped)).toBe('one two ');
  });

  it('uses a tool and goes on with its result, whole and streamed', async () => {
    await using at = await connect();
    const tools: Anthropic.Tool[] = [{ name: 'lookup', input_schema: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } }];
    const asking = { ...ask, tools, tool_choice: { type: 'any' as const } };
    const whole = await at.client.messages.create(asking);
    const streamed = await at.client.messages.stream(asking).finalMessage();
    const use = whole.content[0] as Anthropic.ToolUseBlock;
    expect(whole.stop_reason).toBe('tool_use');
    expect(use).toMatchObject({ type: 'tool_use', name: 'lookup', input: { n: expect.any(Number) } });
    expect((streamed.content[0] as Anthropic.ToolUseBlock).input).toEqual(use.input);
    const told = await at.client.messages.create({ ...ask, tools, messages: [...ask.messages, { role: 'assistant', content: whole.content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: 'found 3' }] }] });
    expect(textOf(told)).toBe('The tool answered: found 3');
  });

  it('leaves cached tokens out of input tokens, read or written', async () => {
    await using at = await connect({ cache: 'hash', cacheMinTokens: 100 });
    const usages = await Promise.all(
      Array.from({ length: 16 }, async (_, index) => {
        const { usage } = await at.client.messages.create({ ...ask, model: 'echo', max_tokens: 1, system: [{ type: 'text', text: `${'word '.repeat(200)}${index}`, cache_control: { type: 'ephemeral' } }] });
        return usage;
      }),
    );
    const reads = usages.map((usage) => usage.cache_read_input_tokens!);
    const writes = usages.map((usage) => usage.cache_creation_input_tokens!);
    expect(reads.some((tokens) => tokens > 0)).toBe(true);
    expect(writes.some((tokens) => tokens > 0)).toBe(true);
    expect(usages.every((_, index) => reads[index] === 0 || writes[index] === 0)).toBe(true);
    const { tokens } = at.simulator.stats();
    const sum = (list: readonly number[]): number => list.reduce((total, value) => total + value, 0);
    expect(tokens).toMatchObject({ cached_tokens: sum(reads), cache_write_tokens: sum(writes), prompt_tokens: sum(reads) + sum(writes) + sum(usages.map((usage) => usage.input_tokens)) });
  });

  it('counts tokens as it charges them, and charges nothing for counting', async () => {
    await using at = await connect();
    const { input_tokens } = await at.client.messages.countTokens({ model: 'weak', system: ask.system, messages: ask.messages });
    expect(at.simulator.stats().tokens.total_tokens).toBe(0);
    expect((await at.client.messages.create(ask)).usage.input_tokens).toBe(input_tokens);
  });

  it('lists models', async () => {
    await using at = await connect();
    expect((await Array.fromAsync(await at.client.models.list())).map(({ id }) => id)).toContain('weak');
  });
});

describe('errors through the Anthropic client', () => {
  it('speaks its own error shapes', async () => {
    await using at = await connect({ apiKeys: ['right'] });
    const failure = (await at.client.messages.create(ask).catch((error: unknown) => error)) as InstanceType<typeof Anthropic.AuthenticationError>;
    expect(failure).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(failure.error).toEqual({ type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' }, request_id: failure.requestID });
    const client = at.client.withOptions({ apiKey: 'right' });
    await expect(client.messages.create({ ...ask, model: 'judge' })).rejects.toMatchObject({ status: 404, type: 'not_found_error' });
    await expect(client.messages.create({ ...ask, messages: [] })).rejects.toMatchObject({ status: 400, type: 'invalid_request_error' });
    await expect(client.messages.create({ model: 'weak', messages: ask.messages } as typeof ask)).rejects.toMatchObject({ status: 400 });
    const withoutVersion = await fetch(`${at.simulator.url}/v1/messages`, { method: 'POST', headers: { 'x-api-key': 'right' }, body: JSON.stringify(ask) });
    expect(withoutVersion.status).toBe(400);
  });

  it('says 429 with its headers', async () => {
    await using at = await connect({ limits: { kind: 'token-bucket', rpm: 12, itpm: 6000, otpm: 60_000 } });
    const { response } = await at.client.messages.create(ask).withResponse();
    expect(Object.fromEntries(response.headers)).toMatchObject({ 'anthropic-ratelimit-requests-limit': '12', 'anthropic-ratelimit-requests-remaining': '0', 'anthropic-ratelimit-input-tokens-limit': '6000' });
    expect(Date.parse(response.headers.get('anthropic-ratelimit-requests-reset')!)).toBeGreaterThan(Date.now());
    const failure = (await at.client.messages.create(ask).catch((error: unknown) => error)) as InstanceType<typeof Anthropic.RateLimitError>;
    expect(failure).toMatchObject({ status: 429, type: 'rate_limit_error' });
    expect(failure.headers.get('retry-after')).toBe('5');
  });

  it.each([
    ['error529', 529, 'overloaded_error'],
    ['error500', 500, 'api_error'],
    ['error503', 503, 'api_error'],
  ] as const)('says %s as %d %s', async (fault, status, type) => {
    await using at = await connect({ faults: { [fault]: 1 } });
    await expect(at.client.messages.create(ask)).rejects.toMatchObject({ status, type });
  });

  it('stops with a refusal where the filter steps in', async () => {
    await using at = await connect({ faults: { contentFilter: 1 } });
    const whole = await at.client.messages.create(ask);
    expect(whole).toMatchObject({ stop_reason: 'refusal', stop_details: { type: 'refusal' } });
    expect((await at.client.messages.stream(ask).finalMessage()).stop_reason).toBe('refusal');
  });
});
