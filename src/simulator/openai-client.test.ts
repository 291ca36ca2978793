import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import type { SimulatorOptions } from './options.ts';
import type { Playbook } from './playbook.ts';
import { type Simulator, startSimulator } from './server.ts';

const weather: Playbook = {
  name: 'weather',
  rules: [{ id: 'w', pattern: 'weather in (\\w+)', chance: 1, tool: { name: 'weather', arguments: { city: '{1}' } }, answer: 'It is {tool} in {1}.' }],
};
const tool = { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } } as const;

async function connect(options: SimulatorOptions = {}): Promise<{ simulator: Simulator; client: OpenAI } & AsyncDisposable> {
  const simulator = await startSimulator(options);
  const client = new OpenAI({ apiKey: 'key', baseURL: `${simulator.url}/v1`, maxRetries: 0 });
  return { simulator, client, [Symbol.asyncDispose]: () => simulator.close() };
}

describe('chat completions through the OpenAI client', () => {
  it('answers whole, with the usage that the simulator counts', async () => {
    await using at = await connect();
    const answer = await at.client.chat.completions.create({ model: 'weak', temperature: 0.7, messages: [{ role: 'user', content: 'What is 2+2?' }] });
    expect(answer.choices[0]).toMatchObject({ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: '4' } });
    expect(answer.model).toBe('weak');
    expect(answer.usage).toMatchObject({ prompt_tokens: 14, completion_tokens: 1, total_tokens: 15 });
    expect(answer._request_id).toMatch(/^req_/);
    expect(at.simulator.stats()).toMatchObject({ requests: { received: 1, ok: 1 }, tokens: { prompt_tokens: 14, completion_tokens: 1, total_tokens: 15 } });
    expect(at.simulator.log()[0]!.request_id).toBe(answer._request_id);
  });

  it('streams the same text, with usage only where it is asked for', async () => {
    await using at = await connect();
    const messages = [{ role: 'user', content: 'Tell me about tea' }] as const;
    const whole = await at.client.chat.completions.create({ model: 'weak', messages: [...messages] });
    for (const asked of [true, false]) {
      const stream = await at.client.chat.completions.create({ model: 'weak', stream: true, messages: [...messages], ...(asked ? { stream_options: { include_usage: true } } : {}) });
      let text = '';
      let usage: unknown;
      const finishes: unknown[] = [];
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? '';
        finishes.push(...chunk.choices.flatMap(({ finish_reason }) => finish_reason ?? []));
        usage = chunk.usage ?? usage;
      }
      expect(text).toBe(whole.choices[0]!.message.content);
      expect(finishes).toEqual(['stop']);
      expect(usage).toEqual(asked ? whole.usage : undefined);
    }
    expect(at.simulator.stats().hidden_usage).toMatchObject({ requests: 1, total_tokens: whole.usage!.total_tokens, by_reason: { not_asked: { requests: 1 } } });
  });

  it('gives n answers that equal n calls of their own', async () => {
    await using at = await connect();
    const ask = { model: 'weak', messages: [{ role: 'user' as const, content: 'Tell me about tea' }] };
    const together = await at.client.chat.completions.create({ ...ask, n: 3 });
    const apart = await Promise.all([0, 1, 2].map((index) => at.client.chat.completions.create(ask, { headers: { 'x-assay-generation': String(index) } })));
    const texts = together.choices.map(({ message }) => message.content);
    expect(new Set(texts).size).toBe(3);
    expect(apart.map(({ choices }) => choices[0]!.message.content)).toEqual(texts);
    expect(together.usage!.completion_tokens).toBe(apart.reduce((sum, { usage }) => sum + usage!.completion_tokens, 0));
  });

  it('streams n answers, each under its index', async () => {
    await using at = await connect();
    const runner = at.client.chat.completions.stream({ model: 'weak', n: 2, messages: [{ role: 'user', content: 'Tell me about tea' }] });
    const { choices } = await runner.finalChatCompletion();
    const whole = await at.client.chat.completions.create({ model: 'weak', n: 2, messages: [{ role: 'user', content: 'Tell me about tea' }] });
    expect(choices.map(({ message }) => message.content)).toEqual(whole.choices.map(({ message }) => message.content));
  });

  it('keeps to max tokens and stop sequences', async () => {
    await using at = await connect();
    const short = await at.client.chat.completions.create({ model: 'echo', max_completion_tokens: 3, messages: [{ role: 'user', content: 'one two three four five' }] });
    expect(short.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: 'one two three' } });
    expect(short.usage!.completion_tokens).toBe(3);
    const stopped = await at.client.chat.completions.create({ model: 'echo', stop: ['four', 'three'], messages: [{ role: 'user', content: 'one two three four five' }] });
    expect(stopped.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'one two ' } });
  });

  it('calls a tool and goes on with its result, whole and streamed', async () => {
    await using at = await connect({ playbooks: [weather] });
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'How is the weather in Oslo?' }];
    const asked = await at.client.chat.completions.create({ model: 'weak', messages, tools: [tool] });
    const [call] = asked.choices[0]!.message.tool_calls!;
    expect(asked.choices[0]!.finish_reason).toBe('tool_calls');
    expect(call).toMatchObject({ type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } });
    const streamed = await at.client.chat.completions.stream({ model: 'weak', messages, tools: [tool] }).finalChatCompletion();
    expect(streamed.choices[0]!.message.tool_calls![0]).toMatchObject({ function: { name: 'weather', arguments: '{"city":"Oslo"}' } });
    const told = await at.client.chat.completions.create({ model: 'weak', tools: [tool], messages: [...messages, asked.choices[0]!.message, { role: 'tool', tool_call_id: call!.id, content: 'sunny' }] });
    expect(told.choices[0]!.message.content).toBe('It is sunny in Oslo.');
  });

  it('reports reasoning inside completion tokens', async () => {
    await using at = await connect({ profiles: { reasoner: { behaviour: 'weak', reasoning: { min: 50, max: 50 } } } });
    const { usage } = await at.client.chat.completions.create({ model: 'reasoner', messages: [{ role: 'user', content: 'What is 2+2?' }] });
    expect(usage).toMatchObject({ completion_tokens: 51, completion_tokens_details: { reasoning_tokens: 50 } });
    const cut = await at.client.chat.completions.create({ model: 'reasoner', max_completion_tokens: 20, messages: [{ role: 'user', content: 'What is 2+2?' }] });
    expect(cut.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '' } });
    expect(cut.usage).toMatchObject({ completion_tokens: 20, completion_tokens_details: { reasoning_tokens: 20 } });
  });

  it('marks a seeded fraction of long prompts as cached, whatever came before', async () => {
    await using at = await connect({ cache: 'hash', cacheFraction: 0.5, cacheMinTokens: 128 });
    const cached = async (index: number): Promise<number> => {
      const content = `${'word '.repeat(300)}${index}`;
      const { usage } = await at.client.chat.completions.create({ model: 'echo', max_completion_tokens: 1, messages: [{ role: 'user', content }] });
      return usage!.prompt_tokens_details!.cached_tokens!;
    };
    const first = await Promise.all(Array.from({ length: 20 }, (_, index) => cached(index)));
    const again = await Promise.all(Array.from({ length: 20 }, (_, index) => cached(index)));
    expect(again).toEqual(first);
    expect(first.filter((tokens) => tokens > 0).length).toBeGreaterThan(4);
    expect(first.filter((tokens) => tokens === 0).length).toBeGreaterThan(4);
    expect(first.every((tokens) => tokens % 128 === 0)).toBe(true);
  });
});

describe('responses through the OpenAI client', () => {
  it('answers whole and streamed alike', async () => {
    await using at = await connect({ profiles: { reasoner: { behaviour: 'weak', reasoning: { min: 5, max: 9 } } } });
    const ask = { model: 'reasoner', instructions: 'Be brief.', input: 'Tell me about tea' };
    const whole = await at.client.responses.create(ask);
    const streamed = await at.client.responses.stream(ask).finalResponse();
    expect(whole.status).toBe('completed');
    expect(whole.output_text.length).toBeGreaterThan(10);
    expect(streamed.output_text).toBe(whole.output_text);
    expect(streamed.usage).toEqual(whole.usage);
    expect(whole.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
    const chat = await at.client.chat.completions.create({ model: 'reasoner', messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Tell me about tea' }] });
    expect(chat.choices[0]!.message.content).toBe(whole.output_text);
    expect(chat.usage!.total_tokens).toBe(whole.usage!.total_tokens);
  });

  it('numbers its events without gaps', async () => {
    await using at = await connect();
    const numbers: number[] = [];
    for await (const event of await at.client.responses.create({ model: 'weak', input: 'hello', stream: true })) numbers.push(event.sequence_number);
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  it('is incomplete where the tokens run out', async () => {
    await using at = await connect();
    const cut = await at.client.responses.create({ model: 'echo', max_output_tokens: 2, input: 'one two three four' });
    expect(cut).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output_text: 'one two' });
  });

  it('calls a function and goes on with its output', async () => {
    await using at = await connect({ playbooks: [weather] });
    const tools: OpenAI.Responses.FunctionTool[] = [{ type: 'function', name: 'weather', parameters: tool.function.parameters, strict: false }];
    const input: OpenAI.Responses.ResponseInputItem[] = [{ role: 'user', content: [{ type: 'input_text', text: 'weather in Rome' }] }];
    const streamed = await at.client.responses.stream({ model: 'weak', input, tools }).finalResponse();
    const asked = await at.client.responses.create({ model: 'weak', input, tools });
    const call = asked.output[0] as OpenAI.Responses.ResponseFunctionToolCall;
    expect(call).toMatchObject({ type: 'function_call', name: 'weather', arguments: '{"city":"Rome"}' });
    expect(streamed.output[0]).toMatchObject({ type: 'function_call', arguments: '{"city":"Rome"}' });
    const told = await at.client.responses.create({ model: 'weak', tools, input: [...input, call, { type: 'function_call_output', call_id: call.call_id, output: 'rainy' }] });
    expect(told.output_text).toBe('It is rainy in Rome.');
  });
});

describe('other endpoints through the OpenAI client', () => {
  it('embeds, as base64 and as numbers alike', async () => {
    await using at = await connect();
    const input = ['green tea', 'parallel parking'];
    const encoded = await at.client.embeddings.create({ model: 'weak', input });
    const plain = await at.client.embeddings.create({ model: 'weak', input, encoding_format: 'float' });
    expect(encoded.data.map(({ embedding }) => [...embedding])).toEqual(plain.data.map(({ embedding }) => embedding));
    expect(plain.data[0]!.embedding).toHaveLength(256);
    expect(plain.usage).toEqual({ prompt_tokens: 4, total_tokens: 4 });
    expect((await at.client.embeddings.create({ model: 'weak', input: 'x', dimensions: 8, encoding_format: 'float' })).data[0]!.embedding).toHaveLength(8);
  });

  it('lists models and finds one, variants too', async () => {
    await using at = await connect();
    const names = (await Array.fromAsync(await at.client.models.list())).map(({ id }) => id);
    expect(names).toEqual(['echo', 'weak', 'guarded', 'faulty', 'slow']);
    expect((await at.client.models.retrieve('weak@b')).id).toBe('weak@b');
    await expect(at.client.models.retrieve('gpt-9')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe('errors through the OpenAI client', () => {
  const ask = { model: 'weak', messages: [{ role: 'user' as const, content: 'hi' }] };

  it('lets in the keys it was given alone', async () => {
    await using at = await connect({ apiKeys: ['right'] });
    await expect(at.client.chat.completions.create(ask)).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
    await at.client.withOptions({ apiKey: 'right' }).chat.completions.create(ask);
    expect(at.simulator.stats().requests).toMatchObject({ received: 2, ok: 1, error: 1, by_status: { 401: 1, 200: 1 } });
  });

  it('answers for models that are no profile of its own where one was chosen for them, each limited apart', async () => {
    await using at = await connect({ otherModels: 'echo', limits: { kind: 'fixed-window', rpm: 1 } });
    const answer = await at.client.chat.completions.create({ ...ask, model: 'gpt-4o-mini' });
    expect(answer.model).toBe('gpt-4o-mini');
    expect(answer.choices[0]?.message.content).toBe('hi');
    await at.client.chat.completions.create({ ...ask, model: 'gpt-4o' });
    await expect(at.client.chat.completions.create({ ...ask, model: 'gpt-4o' })).rejects.toMatchObject({ status: 429 });
    expect((await at.client.models.retrieve('gpt-4o')).id).toBe('gpt-4o');
  });

  it.each([
    [{ ...ask, model: 'attacker' }, 404, 'model_not_found'],
    [{ ...ask, messages: [] }, 400, 'invalid_value'],
    [{ ...ask, messages: [{ role: 'wizard', content: 'x' }] }, 400, 'invalid_value'],
    [{ model: 'weak' }, 400, 'missing_required_parameter'],
    [{ ...ask, n: 0 }, 400, 'invalid_value'],
    [{ ...ask, max_tokens: -1 }, 400, 'invalid_value'],
  ])('refuses %j with %d %s', async (body, status, code) => {
    await using at = await connect();
    await expect(at.client.chat.completions.create(body as typeof ask)).rejects.toMatchObject({ status, code, type: 'invalid_request_error' });
  });

  it('says 429 with its headers, and the client gets through by waiting as told', async () => {
    await using at = await connect({ limits: { kind: 'token-bucket', rpm: 6000, bucketSeconds: 0.02 } });
    const patient = at.client.withOptions({ maxRetries: 5 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => patient.chat.completions.create(ask)));
    expect(answers).toHaveLength(5);
    const { requests, tokens } = at.simulator.stats();
    expect(requests.ok).toBe(5);
    expect(requests.rate_limited).toBeGreaterThanOrEqual(1);
    expect(tokens.total_tokens).toBe(answers.reduce((sum, { usage }) => sum + usage!.total_tokens, 0));
  });
});
