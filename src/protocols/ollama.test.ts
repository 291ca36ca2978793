import { describe, expect, it } from 'vitest';
import { UNKNOWN_USAGE } from '../core/index.ts';
import { fixture } from './fixtures/fixture.ts';
import { readStream } from './fixtures/stream.ts';
import { ollama } from './ollama.ts';

const whole = (name: string) => ollama.readResponse(200, fixture(name));
const stream = (name: string) => readStream(ollama, fixture(name));
const GREETING = { text: 'Bonjour à tous ☀️', reasoning: undefined, toolCalls: [], finishReason: 'stop' };

describe('a whole answer', () => {
  it('gives model, text, finish reason and usage', () => {
    expect(whole('ollama.json')).toEqual({
      model: 'qwen3:8b',
      requestId: undefined,
      answers: [GREETING],
      usage: {
        inputFresh: 26,
        cacheRead: undefined,
        cacheWrite: undefined,
        outputText: 8,
        reasoning: undefined,
        source: 'reported',
        raw: { prompt_eval_count: 26, eval_count: 8, total_duration: 900, load_duration: 100, prompt_eval_duration: 200, eval_duration: 600 },
      },
      blocked: false,
      blockReason: undefined,
      error: undefined,
      complete: true,
      malformed: false,
    });
  });

  it('takes the cached part out of the prompt, and cannot tell thinking from text in the count', () => {
    expect(whole('ollama-generate-thinking.json')).toMatchObject({
      usage: { inputFresh: 10, cacheRead: 30, outputText: 8, reasoning: undefined },
      answers: [{ text: 'Hello.', reasoning: 'The user greets.', finishReason: 'length' }],
    });
  });

  it('gives tool calls, and says that it ended for them', () => {
    expect(whole('ollama-tools.json').answers).toEqual([
      {
        text: '',
        reasoning: undefined,
        toolCalls: [
          { id: '', name: 'get_weather', argumentsText: '{"city":"Bern"}' },
          { id: 'call_2', name: 'get_time', argumentsText: '{}' },
        ],
        finishReason: 'tool_calls',
      },
    ]);
  });

  it('used nothing where it only loaded the model', () => {
    expect(whole('ollama-load.json')).toMatchObject({ usage: { inputFresh: 0, outputText: 0, source: 'reported' }, answers: [{ text: '', finishReason: 'other' }], complete: true });
  });

  it('leaves unknown what is not counted', () => {
    expect(ollama.readResponse(200, '{"model":"m","response":"Hi","done":true}')).toMatchObject({ usage: UNKNOWN_USAGE, complete: true });
  });

  it.each(['', '<html>', '{}', '[]', '{"models":[]}', fixture('chat.json')])('is malformed where it is of another shape: %.20s', (body) => {
    expect(ollama.readResponse(200, body)).toMatchObject({ malformed: true, complete: false });
  });

  it('reads errors', () => {
    expect(ollama.readResponse(404, fixture('error-ollama.json'))).toMatchObject({ error: { message: "model 'qwen9' not found" }, complete: false, usage: UNKNOWN_USAGE });
    expect(ollama.readResponse(200, '{"error":"out of memory"}')).toMatchObject({ error: { message: 'out of memory' }, complete: false, malformed: false });
  });
});

describe('embeddings', () => {
  it('have no answer and no output', () => {
    expect(whole('ollama-embed.json')).toMatchObject({ model: 'all-minilm', answers: [], usage: { inputFresh: 8, outputText: 0, source: 'reported' }, complete: true });
  });

  it('of the older kind have unknown usage', () => {
    expect(whole('ollama-embeddings.json')).toMatchObject({ answers: [], usage: UNKNOWN_USAGE, complete: true, malformed: false });
  });
});

describe('a streamed answer', () => {
  it('gives what a whole one gives, usage from its last line', () => {
    expect(stream('ollama-stream.txt')).toMatchObject({ model: 'qwen3:8b', answers: [GREETING], usage: { inputFresh: 26, outputText: 8 }, complete: true, malformed: false, started: true });
  });

  it('is read to its end where its last line has no line end', () => {
    expect(stream('ollama-stream-generate.txt')).toMatchObject({ answers: [{ text: 'Bonjour à tous ☀️', reasoning: 'Short.', finishReason: 'length' }], usage: { inputFresh: 26, outputText: 8 }, complete: true });
  });

  it('puts thinking and tool calls together', () => {
    expect(stream('ollama-stream-thinking-tools.txt')).toMatchObject({
      answers: [
        {
          text: '',
          reasoning: 'I need the weather.',
          toolCalls: [
            { name: 'get_weather', argumentsText: '{"city":"Zürich"}' },
            { name: 'get_time', argumentsText: '{}' },
          ],
          finishReason: 'tool_calls',
        },
      ],
      complete: true,
    });
  });

  it('does not take a prompt whose count was left out for none', () => {
    expect(stream('ollama-stream-cached.txt')).toMatchObject({ usage: { inputFresh: undefined, outputText: 8, source: 'reported' }, complete: true });
  });

  it('that is cut has no usage', () => {
    expect(stream('ollama-stream-cut.txt')).toMatchObject({ answers: [{ text: 'Bonjour à tous', finishReason: undefined }], usage: UNKNOWN_USAGE, complete: false, malformed: false, error: undefined });
  });

  it('is an error where one comes in its middle', () => {
    expect(stream('ollama-stream-error.txt')).toMatchObject({ error: { message: 'an error was encountered while running the model' }, answers: [{ text: 'Bonjour à tous' }], complete: false, malformed: false });
  });

  it.each([
    ['a whole body printed over several lines', JSON.stringify(JSON.parse(fixture('ollama.json')), null, 2), { complete: true, malformed: false, answers: [GREETING] }],
    ['lines that end with CRLF, with blank ones between', fixture('ollama-stream.txt').replaceAll('\n', '\r\n\r\n'), { complete: true, malformed: false, answers: [GREETING] }],
    ['a page', '<html><body>Log in</body></html>', { complete: false, malformed: true }],
    ['spoilt in the middle', fixture('ollama-stream.txt').replace('"done":false', 'done'), { complete: false, malformed: true }],
    ['of another format', '{"a":1}\n{"b":2}\n', { complete: false, malformed: true }],
    ['nothing', '', { complete: false, malformed: false, answers: [] }],
  ])('may be %s', (_what, text, facts) => {
    expect(readStream(ollama, text)).toMatchObject(facts);
  });
});

describe('a request', () => {
  it('is for a stream unless it says otherwise', () => {
    const body = { model: 'qwen3:8b', messages: [{ role: 'system', content: 'Be kind.' }, { role: 'user', content: 'Hi' }], options: { num_predict: 100 } };
    expect(ollama.readRequest(body, '/api/chat')).toEqual({ model: 'qwen3:8b', stream: true, maxOutput: 100, generations: 1, promptText: 'Be kind.\nHi', promptOverhead: 9, usageInStream: true });
    expect(ollama.readRequest({ ...body, stream: true }, '/api/chat').stream).toBe(true);
    expect(ollama.readRequest({ ...body, stream: false }, '/api/chat').stream).toBe(false);
    expect(ollama.readRequest({ model: 'm', prompt: 'Hi' }, '/api/generate/').stream).toBe(true);
  });

  it('has no bound below zero', () => {
    for (const num_predict of [-1, -2]) expect(ollama.readRequest({ options: { num_predict } }, '/api/chat').maxOutput).toBeUndefined();
  });

  it('collects content of every kind, the tokens it brings along, and the cost of images', () => {
    const chat = ollama.readRequest(
      {
        messages: [
          { role: 'user', content: 'Look', images: ['AAAA', 'BBBB'] },
          { role: 'assistant', content: '', thinking: 'Hm.', tool_calls: [{ function: { name: 'look', arguments: { at: 1 } } }] },
          { role: 'tool', tool_name: 'look', content: 'tree' },
        ],
        tools: [{ type: 'function', function: { name: 'look' } }],
      },
      '/api/chat',
    );
    expect(chat.promptText.split('\n')).toEqual(['Look', 'Hm.', 'look', '{"at":1}', 'tree', '{"type":"function","function":{"name":"look"}}']);
    expect(chat.promptOverhead).toBe(2 * 576 + 3 * 3 + 3);
    const generate = ollama.readRequest({ system: 'Sys', prompt: 'Write', suffix: 'End', images: ['AAAA'], context: [1, 2, 3] }, '/api/generate');
    expect(generate).toMatchObject({ promptText: 'Sys\nWrite\nEnd', promptOverhead: 576 + 3 + 6 });
  });

  it('for embeddings is never for a stream and has no output', () => {
    expect(ollama.readRequest({ model: 'all-minilm', input: ['one', 'two'] }, '/api/embed')).toMatchObject({ stream: false, maxOutput: 0, promptText: 'one\ntwo', promptOverhead: 0 });
    expect(ollama.readRequest({ model: 'all-minilm', prompt: 'one' }, '/api/embeddings')).toMatchObject({ stream: false, maxOutput: 0, promptText: 'one' });
  });

  it('always has usage in its stream', () => {
    expect(ollama.askForStreamUsage({ messages: [], stream: true })).toBeUndefined();
  });
});
