import { describe, expect, it } from 'vitest';
import { UNKNOWN_USAGE } from '../core/index.ts';
import { fixture } from './fixtures/fixture.ts';
import { readStream } from './fixtures/stream.ts';
import { openAiResponses } from './openai-responses.ts';

const whole = (name: string) => openAiResponses.readResponse(200, fixture(name));
const stream = (name: string) => readStream(openAiResponses, fixture(name));
const SUM = { text: 'Es sind vier – 4 ✓', reasoning: '**Adding** the numbers.', toolCalls: [] };
const CALL = { id: 'call_1', name: 'get_weather', argumentsText: '{"city":"Bern"}' };

describe('a whole response', () => {
  it('gives model, id, text, reasoning and usage in disjoint buckets', () => {
    expect(whole('responses.json')).toEqual({
      model: 'gpt-5-mini-2025-08-07',
      requestId: 'resp_1',
      answers: [{ ...SUM, finishReason: 'stop' }],
      usage: { inputFresh: 11, cacheRead: 64, cacheWrite: undefined, outputText: 12, reasoning: 256, source: 'reported', raw: expect.anything() },
      blocked: false,
      blockReason: undefined,
      error: undefined,
      complete: true,
      malformed: false,
    });
  });

  it('gives calls of tools', () => {
    expect(whole('responses-tools.json').answers).toEqual([{ text: '', reasoning: undefined, toolCalls: [CALL], finishReason: 'tool_calls' }]);
  });

  it('tells running out of tokens from a content filter', () => {
    expect(whole('responses-cut-off.json')).toMatchObject({ answers: [{ text: 'The first', finishReason: 'length' }], blocked: false, complete: true });
    expect(whole('responses-filtered.json')).toMatchObject({ answers: [{ finishReason: 'content_filter' }], blocked: true, blockReason: 'violence (high)', complete: true });
  });

  it('is an error where the response failed', () => {
    expect(whole('responses-failed.json')).toMatchObject({ error: { code: 'server_error', message: 'The model failed to generate a response.' }, complete: false, malformed: false, usage: UNKNOWN_USAGE });
  });

  it('counts a refusal as text', () => {
    expect(whole('responses-refusal.json')).toMatchObject({ answers: [{ text: 'I cannot do that.', finishReason: 'stop' }], blocked: false });
  });

  it('of a compaction has usage, and not the user’s messages for its text', () => {
    const body = { id: 'resp_c', object: 'response.compaction', output: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }, { type: 'compaction', encrypted_content: 'gAAA' }], usage: { input_tokens: 139, output_tokens: 438, output_tokens_details: { reasoning_tokens: 64 }, total_tokens: 577 } };
    expect(openAiResponses.readResponse(200, JSON.stringify(body))).toMatchObject({ answers: [{ text: '' }], usage: { inputFresh: 139, outputText: 374, reasoning: 64 }, complete: true, malformed: false });
  });

  it('has no answer yet where it runs in the background', () => {
    expect(whole('responses-background.json')).toMatchObject({ answers: [], complete: true, usage: UNKNOWN_USAGE });
  });

  it.each(['', 'nonsense', '{}', '[]', fixture('chat.json')])('is malformed where it is of another shape: %.20s', (body) => {
    expect(openAiResponses.readResponse(200, body)).toMatchObject({ malformed: true, complete: false });
  });

  it('reads errors', () => {
    expect(openAiResponses.readResponse(429, fixture('error-openai-429.json'))).toMatchObject({ error: { code: 'rate_limit_exceeded' }, complete: false });
    expect(openAiResponses.readResponse(200, fixture('chat-openrouter-error-200.json'))).toMatchObject({ error: { code: '502' }, malformed: false, complete: false });
    expect(openAiResponses.readResponse(400, fixture('error-openai-policy.json'))).toMatchObject({ blocked: true });
  });
});

describe('a streamed response', () => {
  it('gives what a whole one gives', () => {
    expect(stream('responses-stream.txt')).toMatchObject({ requestId: 'resp_s1', answers: [{ ...SUM, finishReason: 'stop' }], usage: { inputFresh: 11, cacheRead: 64, cacheWrite: 0, outputText: 12, reasoning: 256 }, complete: true, started: true });
  });

  it('keeps what the deltas brought where the last event has no output', () => {
    expect(stream('responses-stream-empty-output.txt')).toMatchObject({ answers: [{ ...SUM, finishReason: 'stop' }], complete: true });
  });

  it('is not complete where it was cut, with what had come', () => {
    expect(stream('responses-stream-cut.txt')).toMatchObject({ answers: [{ ...SUM, finishReason: undefined }], complete: false, malformed: false, error: undefined, usage: UNKNOWN_USAGE });
  });

  it('is complete where it ran out of tokens', () => {
    expect(stream('responses-stream-incomplete.txt')).toMatchObject({ answers: [{ finishReason: 'length' }], complete: true, usage: { outputText: 8, reasoning: 256 } });
  });

  it.each([
    ['responses-stream-failed.txt', { code: 'rate_limit_exceeded', message: 'Rate limit reached.' }],
    ['responses-stream-error.txt', { code: 'server_error', message: 'The server had an error.', type: undefined }],
  ])('is an error where one comes in the stream: %s', (name, error) => {
    expect(stream(name)).toMatchObject({ error, complete: false, malformed: false, answers: [SUM] });
  });

  it('puts calls of tools together', () => {
    const facts = stream('responses-stream-tools.txt');
    expect(facts.answers).toEqual([{ text: '', reasoning: undefined, toolCalls: [CALL], finishReason: 'tool_calls' }]);
    const cut = fixture('responses-stream-tools.txt').split('event: response.output_item.done')[0]!;
    expect(readStream(openAiResponses, cut).answers).toMatchObject([{ toolCalls: [CALL], finishReason: undefined }]);
  });

  it('passes over event types it does not know', () => {
    const text = fixture('responses-stream.txt');
    expect(readStream(openAiResponses, `event: response.novelty\ndata: {"type":"response.novelty","x":1}\n\n${text}`)).toEqual(stream('responses-stream.txt'));
  });
});

describe('a request for a response', () => {
  it('tells model, bound and prompt', () => {
    expect(openAiResponses.readRequest({ model: 'gpt-5', instructions: 'Be kind.', input: 'Hi', max_output_tokens: 50, stream: true }, '/v1/responses')).toEqual({
      model: 'gpt-5',
      stream: true,
      maxOutput: 50,
      generations: 1,
      promptText: 'Be kind.\nHi',
      promptOverhead: 9,
      usageInStream: true,
    });
  });

  it('collects items: messages, parts, calls, results, reasoning, tools and schema', () => {
    const { promptText, promptOverhead } = openAiResponses.readRequest(
      {
        input: [
          { role: 'user', content: [{ type: 'input_text', text: 'Look' }, { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'low' }] },
          { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }], encrypted_content: 'gAAA' },
          { type: 'function_call', call_id: 'c', name: 'look', arguments: '{"at":1}' },
          { type: 'function_call_output', call_id: 'c', output: 'A cat' },
          { type: 'item_reference', id: 'msg_0' },
        ],
        tools: [{ type: 'function', name: 'look' }],
        text: { format: { type: 'json_schema', schema: { type: 'object' } } },
        prompt: { id: 'pmpt_1', variables: { city: 'Bern' } },
      },
      '/v1/responses',
    );
    expect(promptText.split('\n')).toEqual(['Look', 'Hm.', 'look', '{"at":1}', 'A cat', '{"city":"Bern"}', '{"type":"function","name":"look"}', '{"type":"object"}']);
    expect(promptOverhead).toBe(5 * 3 + 3 + 85);
  });

  it('survives a body that is none, and needs no asking for usage', () => {
    for (const body of [undefined, null, 'x', [], { input: [null, 3], instructions: {} }]) expect(openAiResponses.readRequest(body, '/v1/responses').promptText).toBeTypeOf('string');
    expect(openAiResponses.askForStreamUsage({ stream: true })).toBeUndefined();
  });
});
