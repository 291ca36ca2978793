import { describe, expect, it } from 'vitest';
import { UNKNOWN_USAGE } from '../core/index.ts';
import { anthropicMessages } from './anthropic-messages.ts';
import { fixture } from './fixtures/fixture.ts';
import { readStream } from './fixtures/stream.ts';

const whole = (name: string) => anthropicMessages.readResponse(200, fixture(name));
const stream = (name: string) => readStream(anthropicMessages, fixture(name));
const GREETING = { text: 'Bonjour à tous ☀️', reasoning: undefined, toolCalls: [] };

describe('a whole message', () => {
  it('gives model, id, text, finish reason and usage', () => {
    expect(whole('anthropic.json')).toEqual({
      model: 'claude-sonnet-4-5-20250929',
      requestId: 'msg_01',
      answers: [{ ...GREETING, finishReason: 'stop' }],
      usage: { inputFresh: 14, cacheRead: 0, cacheWrite: 0, outputText: 12, reasoning: undefined, source: 'reported', raw: expect.anything() },
      blocked: false,
      blockReason: undefined,
      error: undefined,
      complete: true,
      malformed: false,
    });
  });

  it('adds nothing to or from fresh input for the cache, and takes thinking out of the output', () => {
    expect(whole('anthropic-thinking-cached.json')).toMatchObject({
      usage: { inputFresh: 21, cacheRead: 512, cacheWrite: 188086, outputText: 13, reasoning: 380 },
      answers: [{ text: 'Hello.', reasoning: 'The user greets.' }],
    });
  });

  it('gives tool calls beside text', () => {
    expect(whole('anthropic-tools.json').answers).toEqual([
      {
        text: 'Looking. ',
        reasoning: undefined,
        toolCalls: [
          { id: 'toolu_1', name: 'get_weather', argumentsText: '{"city":"Bern"}' },
          { id: 'toolu_2', name: 'get_time', argumentsText: '{}' },
        ],
        finishReason: 'tool_calls',
      },
    ]);
  });

  it('is blocked where the provider refused, with the category', () => {
    expect(whole('anthropic-refusal.json')).toMatchObject({ blocked: true, blockReason: 'cyber', answers: [{ text: '', finishReason: 'content_filter' }], complete: true });
  });

  it('maps running out of tokens', () => {
    expect(whole('anthropic-max-tokens.json')).toMatchObject({ answers: [{ text: 'It was a', finishReason: 'length' }], blocked: false });
  });

  it.each(['', '<html>', '{}', '[]', fixture('chat.json')])('is malformed where it is of another shape: %.20s', (body) => {
    expect(anthropicMessages.readResponse(200, body)).toMatchObject({ malformed: true, complete: false });
  });

  it('reads errors with the request’s id', () => {
    expect(anthropicMessages.readResponse(529, fixture('error-anthropic-529.json'))).toMatchObject({
      error: { type: 'overloaded_error', message: 'Overloaded', code: undefined, contentFilter: false },
      requestId: 'req_011CSHoEeqs5C35K2UUqR7Fy',
      usage: UNKNOWN_USAGE,
      complete: false,
      malformed: false,
    });
    expect(anthropicMessages.readResponse(200, fixture('error-anthropic-529.json'))).toMatchObject({ error: { type: 'overloaded_error' }, complete: false });
  });
});

describe('a streamed message', () => {
  it('gives what a whole one gives, input from its start and output from its end', () => {
    expect(stream('anthropic-stream.txt')).toMatchObject({
      requestId: 'msg_s1',
      answers: [{ ...GREETING, finishReason: 'stop' }],
      usage: { inputFresh: 25, cacheRead: 100, cacheWrite: 10, outputText: 15, source: 'reported' },
      complete: true,
      started: true,
    });
  });

  it('takes the last figure of each field, adding none', () => {
    expect(stream('anthropic-stream-cumulative.txt')).toMatchObject({ usage: { inputFresh: 10682, cacheRead: 0, cacheWrite: 0, outputText: 510 }, answers: [{ text: 'Searching. Sunny.', toolCalls: [] }] });
  });

  it('keeps an earlier figure where a later one is null', () => {
    const until = fixture('anthropic-stream-cumulative.txt').split('event: content_block_start\ndata: {"type":"content_block_start","index":2')[0]!;
    expect(readStream(anthropicMessages, until)).toMatchObject({ usage: { inputFresh: 5000, cacheRead: 0, outputText: 200 }, complete: false });
  });

  it('puts thinking and tool calls together', () => {
    expect(stream('anthropic-stream-thinking-tools.txt')).toMatchObject({
      answers: [
        {
          text: '',
          reasoning: 'I need the weather.',
          toolCalls: [
            { id: 'toolu_1', name: 'get_weather', argumentsText: '{"city": "Zürich"}' },
            { id: 'toolu_2', name: 'get_time', argumentsText: '{}' },
          ],
          finishReason: 'tool_calls',
        },
      ],
      usage: { outputText: 49, reasoning: 40 },
      complete: true,
    });
  });

  it('is an error where an error event comes', () => {
    expect(stream('anthropic-stream-error.txt')).toMatchObject({ error: { type: 'overloaded_error', message: 'Overloaded' }, requestId: 'req_011', complete: false, malformed: false, answers: [GREETING] });
  });

  it('knows the input of a cut stream, but not its output: the first figure is a placeholder', () => {
    expect(stream('anthropic-stream-cut.txt')).toMatchObject({
      usage: { inputFresh: 25, cacheRead: 100, cacheWrite: 10, outputText: undefined, source: 'reported', raw: { output_tokens: 1 } },
      answers: [{ ...GREETING, finishReason: undefined }],
      complete: false,
      malformed: false,
      error: undefined,
    });
  });

  it('takes the first figure of output where the end brings none', () => {
    const text = fixture('anthropic-stream.txt').replace(',"usage":{"output_tokens":15}', '');
    expect(readStream(anthropicMessages, text)).toMatchObject({ usage: { outputText: 1 }, complete: true });
  });

  it('is blocked where the provider refused on the way', () => {
    expect(stream('anthropic-stream-refusal.txt')).toMatchObject({ blocked: true, blockReason: 'Declined by policy.', answers: [{ ...GREETING, finishReason: 'content_filter' }], complete: true });
  });

  it('passes over events it does not know', () => {
    const text = fixture('anthropic-stream.txt').replace('event: message_delta', 'event: novelty\ndata: {"type":"novelty"}\n\nevent: message_delta');
    expect(readStream(anthropicMessages, text)).toEqual(stream('anthropic-stream.txt'));
  });
});

describe('a request for a message', () => {
  it('tells model, bound, stream and prompt', () => {
    expect(anthropicMessages.readRequest({ model: 'claude-sonnet-4-5', max_tokens: 100, stream: true, system: 'Be kind.', messages: [{ role: 'user', content: 'Hi' }] }, '/v1/messages')).toEqual({
      model: 'claude-sonnet-4-5',
      stream: true,
      maxOutput: 100,
      generations: 1,
      promptText: 'Be kind.\nHi',
      promptOverhead: 6,
      usageInStream: true,
    });
  });

  it('is named by the path where Vertex AI serves it', () => {
    expect(anthropicMessages.readRequest({ anthropic_version: 'vertex-2023-10-16' }, '/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict').model).toBe('claude-sonnet-4-5@20250929');
  });

  it('collects blocks of every kind, and the cost of images and tools', () => {
    const { promptText, promptOverhead } = anthropicMessages.readRequest(
      {
        system: [{ type: 'text', text: 'Sys', cache_control: { type: 'ephemeral' } }],
        messages: [
          { role: 'user', content: [{ type: 'image', source: { type: 'base64', data: 'AAAA' } }, { type: 'text', text: 'Look' }] },
          { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm.', signature: 'EqQB' }, { type: 'tool_use', id: 't', name: 'look', input: { at: 1 } }] },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'A cat' }, { type: 'image', source: {} }] }] },
          { role: 'user', content: [{ type: 'document', title: 'Doc', source: { type: 'text', data: 'Body' } }, { type: 'document', source: { type: 'base64', data: 'JVBE' } }] },
        ],
        tools: [{ name: 'look', input_schema: { type: 'object' } }],
      },
      '/v1/messages',
    );
    expect(promptText.split('\n')).toEqual(['Sys', 'Look', 'Hm.', 'look', '{"at":1}', 'A cat', 'Doc', 'Body', '{"name":"look","input_schema":{"type":"object"}}']);
    expect(promptOverhead).toBe(4 * 3 + 3 + 3 * 1600 + 346);
  });

  it('survives a body that is none, and needs no asking for usage', () => {
    for (const body of [undefined, null, 'x', [], { messages: [null, 'y'], system: 5 }]) expect(anthropicMessages.readRequest(body, '/v1/messages').promptText).toBe('');
    expect(anthropicMessages.askForStreamUsage({ stream: true })).toBeUndefined();
  });
});
