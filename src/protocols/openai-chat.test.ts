import { describe, expect, it } from 'vitest';
import { UNKNOWN_USAGE } from '../core/index.ts';
import { fixture } from './fixtures/fixture.ts';
import { readStream } from './fixtures/stream.ts';
import { openAiChat } from './openai-chat.ts';

const whole = (name: string) => openAiChat.readResponse(200, fixture(name));
const stream = (name: string) => readStream(openAiChat, fixture(name));
const only = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1);
  return list[0]!;
};

describe('a whole chat completion', () => {
  it('gives model, id, text, finish reason and usage', () => {
    expect(whole('chat.json')).toEqual({
      model: 'gpt-4.1-mini-2025-04-14',
      requestId: 'chatcmpl-a1',
      answers: [{ text: 'Grüße aus Zürich 👋', reasoning: undefined, toolCalls: [], finishReason: 'stop' }],
      usage: { inputFresh: 19, cacheRead: 0, cacheWrite: undefined, outputText: 10, reasoning: 0, source: 'reported', raw: expect.objectContaining({ total_tokens: 29 }) },
      blocked: false,
      blockReason: undefined,
      error: undefined,
      complete: true,
      malformed: false,
    });
  });

  it('takes cached and reasoning tokens out of the totals', () => {
    expect(whole('chat-reasoning-cached.json').usage).toMatchObject({ inputFresh: 176, cacheRead: 1024, outputText: 20, reasoning: 320 });
  });

  it('gives each of several answers, in order', () => {
    expect(whole('chat-n2.json').answers.map(({ text, finishReason }) => [text, finishReason])).toEqual([
      ['heads', 'stop'],
      ['tails', 'length'],
    ]);
  });

  it('gives tool calls with their arguments as written', () => {
    expect(only(whole('chat-tools.json').answers)).toMatchObject({
      text: '',
      finishReason: 'tool_calls',
      toolCalls: [
        { id: 'call_1', name: 'get_weather', argumentsText: '{"city":"Bern"}' },
        { id: 'call_2', name: 'get_time', argumentsText: '{}' },
      ],
    });
  });

  it('counts a refusal as text, not as a block', () => {
    const facts = whole('chat-refusal.json');
    expect(only(facts.answers).text).toBe('I cannot help with that.');
    expect(facts.blocked).toBe(false);
  });

  it('leaves usage unknown where there is none', () => {
    expect(whole('chat-no-usage.json')).toMatchObject({ usage: UNKNOWN_USAGE, complete: true });
  });

  it('is blocked where a content filter ended it, and says what was caught', () => {
    expect(whole('chat-azure-filtered.json')).toMatchObject({ blocked: true, blockReason: 'violence (medium)', complete: true, error: undefined });
  });

  it('reads what OpenRouter adds', () => {
    const facts = whole('chat-openrouter.json');
    expect(facts.usage).toMatchObject({ inputFresh: 44, cacheRead: 50, cacheWrite: 100, outputText: 10, reasoning: 12 });
    expect(facts.usage.raw).toMatchObject({ cost: 0.00095 });
    expect(only(facts.answers)).toMatchObject({ text: 'Done.', reasoning: 'Let me think.' });
  });

  it('is an error where a 200 carries one', () => {
    expect(whole('chat-openrouter-error-200.json')).toMatchObject({ error: { message: 'Provider returned error', code: '502' }, complete: false, malformed: false, answers: [] });
  });

  it.each([
    ['chat-xai.json', { inputFresh: 8, cacheRead: 4, outputText: 1, reasoning: 386 }, undefined],
    ['chat-deepseek.json', { inputFresh: 32, cacheRead: 32, outputText: 10, reasoning: 30 }, 'Compare 9.11 and 9.8.'],
    ['chat-mistral-thinking.json', { inputFresh: 10, outputText: 12, reasoning: undefined }, 'Hm, two and two.'],
  ])('reads the ways of another vendor: %s', (name, usage, reasoning) => {
    const facts = whole(name);
    expect(facts.usage).toMatchObject(usage);
    expect(only(facts.answers).reasoning).toBe(reasoning);
  });

  it('reads the older text completions', () => {
    expect(whole('text-completion.json')).toMatchObject({ answers: [{ text: ' world', finishReason: 'length' }], usage: { inputFresh: 2, outputText: 1 }, complete: true });
  });

  it.each([
    ['nothing', ''],
    ['a page', '<html>hello</html>'],
    ['cut JSON', '{"id":"chatcmpl-1","choices":[{"mess'],
    ['JSON of another shape', '{"ok":true}'],
    ['an array', '[1]'],
    ['null', 'null'],
    ['choices that are no list', '{"choices":{}}'],
    ['choices without a message', '{"choices":[{"index":0}]}'],
    ['choices that are no objects', '{"choices":[1]}'],
    ['a message of the other API', fixture('anthropic.json')],
  ])('is malformed where it is %s', (_what, body) => {
    expect(openAiChat.readResponse(200, body)).toMatchObject({ malformed: true, complete: false });
  });

  it('takes an answer that is no 2xx as an error, never as malformed', () => {
    expect(openAiChat.readResponse(502, fixture('error-html.txt'))).toMatchObject({ malformed: false, complete: false, error: { message: '502 Bad Gateway' } });
  });

  it('is blocked by Azure’s 400 of the content filter, with what was caught', () => {
    expect(openAiChat.readResponse(400, fixture('error-azure-filter.json'))).toMatchObject({
      blocked: true,
      blockReason: 'jailbreak, violence (medium)',
      error: { code: 'content_filter', contentFilter: true },
      answers: [],
    });
  });
});

describe('a streamed chat completion', () => {
  const greeting = { text: 'Grüße aus Zürich 👋🏽 文字', reasoning: undefined, toolCalls: [], finishReason: 'stop' };

  it('gives what a whole one gives', () => {
    expect(stream('chat-stream.txt')).toEqual({
      model: 'gpt-4.1-mini-2025-04-14',
      requestId: 'chatcmpl-s1',
      answers: [greeting],
      usage: { inputFresh: 11, cacheRead: 8, cacheWrite: undefined, outputText: 10, reasoning: 0, source: 'reported', raw: expect.anything() },
      blocked: false,
      blockReason: undefined,
      error: undefined,
      complete: true,
      malformed: false,
      started: true,
    });
  });

  it.each(['chat-stream-crlf.txt', 'chat-stream-cr.txt'])('is the same with other line endings, comments and no last blank line: %s', (name) => {
    expect(stream(name)).toEqual(stream('chat-stream.txt'));
  });

  it('leaves usage unknown where it was not sent', () => {
    expect(stream('chat-stream-no-usage.txt')).toMatchObject({ usage: UNKNOWN_USAGE, complete: true });
  });

  it('reads an event whose JSON goes over many lines', () => {
    expect(stream('chat-stream-multiline.txt')).toMatchObject({ answers: [{ text: 'one\ntwo', finishReason: 'stop' }], usage: { inputFresh: 5, outputText: 3 }, complete: true });
  });

  it('keeps the last usage where every chunk carries one', () => {
    expect(stream('chat-stream-usage-each.txt')).toMatchObject({
      usage: { inputFresh: 31, outputText: 9 },
      answers: [{ text: '2 + 2 = 4', reasoning: 'Simple sum.', finishReason: 'stop' }],
    });
  });

  it('is not complete where it was cut', () => {
    expect(stream('chat-stream-cut.txt')).toMatchObject({ complete: false, malformed: false, answers: [{ ...greeting, finishReason: undefined }], usage: UNKNOWN_USAGE });
  });

  it('puts tool calls together from their pieces', () => {
    expect(only(stream('chat-stream-tools.txt').answers)).toMatchObject({
      finishReason: 'tool_calls',
      toolCalls: [
        { id: 'call_1', name: 'get_weather', argumentsText: '{"city":"Bern"}' },
        { id: 'call_2', name: 'get_time', argumentsText: '{}' },
      ],
    });
  });

  it('tells tool calls apart that are not numbered, and finds thinking that only the total holds', () => {
    const facts = stream('chat-stream-tools-unnumbered.txt');
    expect(only(facts.answers).toolCalls).toEqual([
      { id: 'c1', name: 'a', argumentsText: '{"x":1}' },
      { id: 'c2', name: 'a', argumentsText: '{"x":2}' },
    ]);
    expect(facts.usage).toMatchObject({ inputFresh: 20, outputText: 15, reasoning: 48 });
  });

  it('keeps interleaved answers apart', () => {
    expect(stream('chat-stream-n2.txt').answers.map(({ text, finishReason }) => [text, finishReason])).toEqual([
      ['heads', 'stop'],
      ['tails', 'length'],
    ]);
  });

  it('is not complete while fewer answers have finished than were asked for', () => {
    const one = 'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n';
    expect(readStream(openAiChat, one).complete).toBe(true);
    expect(readStream(openAiChat, one, { generations: 2 }).complete).toBe(false);
    expect(readStream(openAiChat, one.replace('"index":0', '"index":1') + one, { generations: 2 }).complete).toBe(true);
  });

  it('is not complete while one of the answers that have begun goes on', () => {
    const chunk = (index: number, finish: string | null) => `data: ${JSON.stringify({ choices: [{ index, delta: { content: 'a' }, finish_reason: finish }] })}\n\n`;
    expect(readStream(openAiChat, chunk(0, null) + chunk(1, 'stop')).complete).toBe(false);
    expect(readStream(openAiChat, chunk(0, null) + chunk(1, 'stop') + chunk(0, 'length')).complete).toBe(true);
  });

  it('keeps usage that came before chunks without any', () => {
    const text = 'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\ndata: {"choices":[],"usage":null}\n\ndata: {"choices":[]}\n\ndata: [DONE]\n\n';
    expect(readStream(openAiChat, text).usage).toMatchObject({ inputFresh: 3, outputText: 1 });
  });

  it('tells tool calls apart that all have the number 0', () => {
    const call = (id: string, name: string, args: string) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id, function: { name, arguments: args } }] } }] })}\n\n`;
    const facts = readStream(openAiChat, call('c1', 'a', '{') + call('c1', 'a', '}') + call('c2', 'b', '[]'));
    expect(facts.answers[0]?.toolCalls).toEqual([
      { id: 'c1', name: 'a', argumentsText: '{}' },
      { id: 'c2', name: 'b', argumentsText: '[]' },
    ]);
  });

  it('is blocked where the filter stopped it, keeping what was said and used', () => {
    expect(stream('chat-stream-azure-filtered.txt')).toMatchObject({
      model: 'gpt-4o-2024-11-20',
      requestId: 'chatcmpl-z1',
      blocked: true,
      blockReason: 'violence (high)',
      answers: [{ text: 'Once upon', finishReason: 'content_filter' }],
      usage: { inputFresh: 25, outputText: 6 },
      complete: true,
    });
  });

  it('reads OpenRouter’s comments, reasoning and usage', () => {
    expect(stream('chat-stream-openrouter.txt')).toMatchObject({ answers: [{ text: 'Three.', reasoning: 'First, count.' }], usage: { inputFresh: 14, outputText: 5, reasoning: 35 }, complete: true });
  });

  it.each([
    ['chat-stream-openrouter-error.txt', { message: 'Provider disconnected unexpectedly', code: '502' }, 'error'],
    ['chat-stream-error.txt', { message: 'The server had an error processing your request.', type: 'server_error' }, undefined],
  ])('is an error, not complete, where one comes in the stream: %s', (name, error, finishReason) => {
    const facts = stream(name);
    expect(facts).toMatchObject({ error, complete: false, malformed: false });
    expect(only(facts.answers).finishReason).toBe(finishReason);
  });

  it('is malformed where an event is not JSON although it came to its end', () => {
    expect(stream('chat-stream-broken-json.txt')).toMatchObject({ malformed: true, complete: false });
  });

  it('reads streams of the older text completions', () => {
    expect(stream('text-completion-stream.txt')).toMatchObject({ answers: [{ text: ' world', finishReason: 'length' }], usage: { inputFresh: 2, outputText: 2 }, complete: true, started: true });
  });

  it('reads a whole body that came in place of a stream', () => {
    expect(stream('chat.json')).toEqual({ ...whole('chat.json'), started: true });
    expect(stream('error-html.txt')).toMatchObject({ malformed: true, complete: false });
  });

  it('is malformed where all events are of another format, and only cut where none came', () => {
    expect(stream('anthropic-stream.txt')).toMatchObject({ malformed: true, complete: false });
    for (const text of ['', 'dat', 'data', 'data: {"cho', ': ping\n\n', 'event: ping\ndata: hi\n\n']) {
      expect(readStream(openAiChat, text)).toMatchObject({ malformed: false, complete: false, answers: [] });
    }
  });

  it('starts with the first content, not with the first chunk', () => {
    const reader = openAiChat.streamReader();
    reader.push(Buffer.from('data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'));
    expect(reader.started).toBe(false);
    reader.push(Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'));
    expect(reader.started).toBe(true);
  });

  it('gives facts in between without disturbing what comes', () => {
    const reader = openAiChat.streamReader();
    const bytes = Buffer.from(fixture('chat-stream-tools.txt'));
    for (const byte of bytes) {
      reader.push(Uint8Array.of(byte));
      if (byte === 0x7d) reader.facts();
    }
    expect({ ...reader.facts(), started: reader.started }).toEqual(stream('chat-stream-tools.txt'));
  });
});
