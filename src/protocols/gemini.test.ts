import { describe, expect, it } from 'vitest';
import { UNKNOWN_USAGE } from '../core/index.ts';
import { fixture } from './fixtures/fixture.ts';
import { readStream } from './fixtures/stream.ts';
import { gemini } from './gemini.ts';

const whole = (name: string) => gemini.readResponse(200, fixture(name));
const stream = (name: string, generations = 1) => readStream(gemini, fixture(name), { generations });
const GREETING = { text: 'Bonjour à tous ☀️', reasoning: undefined, toolCalls: [], finishReason: 'stop' };

describe('a whole answer', () => {
  it('gives model, id, text, finish reason and usage', () => {
    expect(whole('gemini.json')).toEqual({
      model: 'gemini-2.5-flash',
      requestId: 'resp-g1',
      answers: [GREETING],
      usage: { inputFresh: 9, cacheRead: undefined, cacheWrite: undefined, outputText: 7, reasoning: undefined, source: 'reported', raw: expect.objectContaining({ totalTokenCount: 16 }) },
      blocked: false,
      blockReason: undefined,
      error: undefined,
      complete: true,
      malformed: false,
    });
  });

  it('takes the cached part out of the prompt, puts results of Google’s tools to it, and has thoughts beside the text', () => {
    expect(whole('gemini-thinking-cached.json')).toMatchObject({
      usage: { inputFresh: 155, cacheRead: 2000, outputText: 3, reasoning: 41 },
      answers: [{ text: 'Hello.', reasoning: 'The user greets.' }],
    });
  });

  it.each([
    ['thoughts inside the candidates, where the total says so', { promptTokenCount: 10, candidatesTokenCount: 30, thoughtsTokenCount: 20, totalTokenCount: 40 }, { inputFresh: 10, outputText: 10, reasoning: 20 }],
    ['no candidates left to count', { promptTokenCount: 10, thoughtsTokenCount: 20, totalTokenCount: 30 }, { inputFresh: 10, outputText: 0, reasoning: 20 }],
    ['a count of candidates that follows from the total', { promptTokenCount: 10, thoughtsTokenCount: 20, totalTokenCount: 35 }, { outputText: 5, reasoning: 20 }],
    ['no total to tell from', { promptTokenCount: 10 }, { inputFresh: 10, outputText: undefined, reasoning: undefined }],
    ['more cached than there is', { promptTokenCount: 10, cachedContentTokenCount: 12, candidatesTokenCount: 1 }, { inputFresh: 0, cacheRead: 10, outputText: 1 }],
  ])('knows %s', (_what, usageMetadata, usage) => {
    const body = { ...(JSON.parse(fixture('gemini.json')) as object), usageMetadata };
    expect(gemini.readResponse(200, JSON.stringify(body)).usage).toMatchObject({ ...usage, source: 'reported' });
  });

  it('leaves usage unknown where there is none', () => {
    const { usageMetadata: _, ...body } = JSON.parse(fixture('gemini.json')) as Record<string, unknown>;
    expect(gemini.readResponse(200, JSON.stringify(body)).usage).toEqual(UNKNOWN_USAGE);
    expect(gemini.readResponse(200, JSON.stringify({ ...body, usageMetadata: {} })).usage).toEqual(UNKNOWN_USAGE);
  });

  it('gives tool calls beside text, and says that it ended for them', () => {
    expect(whole('gemini-tools.json').answers).toEqual([
      {
        text: 'Looking. ',
        reasoning: undefined,
        toolCalls: [
          { id: '', name: 'get_weather', argumentsText: '{"city":"Bern"}' },
          { id: 'fc2', name: 'get_time', argumentsText: '{}' },
        ],
        finishReason: 'tool_calls',
      },
    ]);
  });

  it('gives each of several candidates, in order', () => {
    expect(whole('gemini-candidates2.json').answers.map(({ text, finishReason }) => [text, finishReason])).toEqual([
      ['heads', 'stop'],
      ['tails', 'length'],
    ]);
  });

  it.each([
    ['gemini-prompt-blocked.json', 'dangerous_content (high)', []],
    ['gemini-prohibited.json', 'PROHIBITED_CONTENT', []],
    ['gemini-safety.json', 'harassment (medium)', [{ text: '', finishReason: 'content_filter' }]],
  ])('is blocked, with a reason, and no error: %s', (name, blockReason, answers) => {
    expect(whole(name)).toMatchObject({ blocked: true, blockReason, answers, error: undefined, complete: true, usage: { inputFresh: 12, outputText: 0 } });
  });

  it.each([
    ['SPII', 'content_filter', true],
    ['RECITATION', 'content_filter', true],
    ['MALFORMED_FUNCTION_CALL', 'error', false],
    ['LANGUAGE', 'other', false],
    ['SOMETHING_NEW', 'other', false],
    ['FINISH_REASON_UNSPECIFIED', undefined, false],
  ])('maps %s to %s', (finishReason, mapped, blocked) => {
    const body = JSON.stringify({ candidates: [{ finishReason }] });
    expect(gemini.readResponse(200, body)).toMatchObject({ answers: [{ finishReason: mapped }], blocked, complete: true });
  });

  it('of a request for a stream may be a list', () => {
    expect(gemini.readResponse(200, fixture('gemini-stream-array.txt'))).toEqual({ ...whole('gemini.json'), usage: expect.objectContaining({ inputFresh: 9, outputText: 7 }) });
  });

  it.each(['', '<html>', '{}', '[]', '[1]', fixture('chat.json')])('is malformed where it is of another shape: %.20s', (body) => {
    expect(gemini.readResponse(200, body)).toMatchObject({ malformed: true, complete: false });
  });

  it('reads errors, alone or in a list, with the wait that they ask for', () => {
    const error = { type: 'RESOURCE_EXHAUSTED', code: '429', message: expect.stringContaining('exceeded'), contentFilter: false, retryAfterMs: 34_075 };
    expect(gemini.readResponse(429, fixture('error-gemini-429.json'))).toMatchObject({ error, complete: false, usage: UNKNOWN_USAGE });
    expect(gemini.readResponse(429, `[${fixture('error-gemini-429.json')}]`)).toMatchObject({ error });
    expect(gemini.readResponse(200, fixture('error-gemini-429.json'))).toMatchObject({ error, complete: false, malformed: false });
  });
});

describe('embeddings', () => {
  it('have no answer and no output', () => {
    expect(whole('gemini-embedding.json')).toMatchObject({ answers: [], usage: { inputFresh: 6, outputText: 0, reasoning: undefined, source: 'reported' }, complete: true, malformed: false });
  });

  it('have unknown usage where the model reports none', () => {
    expect(whole('gemini-embeddings.json')).toMatchObject({ answers: [], usage: UNKNOWN_USAGE, complete: true, malformed: false });
  });
});

describe('a streamed answer', () => {
  it.each(['gemini-stream.txt', 'gemini-stream-array.txt'])('gives what a whole one gives, usage from its end: %s', (name) => {
    expect(stream(name)).toMatchObject({
      model: 'gemini-2.5-flash',
      requestId: 'resp-g1',
      answers: [GREETING],
      usage: { inputFresh: 9, outputText: 7, source: 'reported' },
      complete: true,
      malformed: false,
      started: true,
    });
  });

  it('puts thinking and tool calls together', () => {
    expect(stream('gemini-stream-thinking-tools.txt')).toMatchObject({
      answers: [
        {
          text: '',
          reasoning: 'I need the weather.',
          toolCalls: [
            { name: 'get_weather', argumentsText: '{"city":"Zürich \\"Ost\\" {1}"}' },
            { name: 'get_time', argumentsText: '{}' },
          ],
          finishReason: 'tool_calls',
        },
      ],
      usage: { inputFresh: 40, outputText: 12, reasoning: 33 },
      complete: true,
    });
  });

  it('of several candidates is complete once all have finished', () => {
    expect(stream('gemini-stream-candidates2.txt', 2)).toMatchObject({ answers: [{ text: 'heads', finishReason: 'length' }, { text: 'tails', finishReason: 'stop' }], complete: true });
    const first = fixture('gemini-stream-candidates2.txt').split('\n\n').slice(0, 2).join('\n\n');
    expect(readStream(gemini, first, { generations: 2 })).toMatchObject({ complete: false });
    const single = fixture('gemini-stream.txt');
    expect(readStream(gemini, single, { generations: 2 })).toMatchObject({ complete: false });
  });

  it('that is cut has the counts so far, and no output where none was counted', () => {
    expect(stream('gemini-stream-cut.txt')).toMatchObject({ usage: { inputFresh: 9, outputText: 4 }, complete: false, malformed: false, error: undefined });
    expect(stream('gemini-stream-cut-early.txt')).toMatchObject({ usage: { inputFresh: 9, outputText: undefined }, answers: [{ text: 'Bonjour' }], complete: false });
  });

  it('is blocked on the way, or before it begins', () => {
    expect(stream('gemini-stream-blocked.txt')).toMatchObject({ blocked: true, blockReason: 'PROHIBITED_CONTENT', answers: [{ text: 'Bonjour', finishReason: 'content_filter' }], complete: true });
    expect(stream('gemini-stream-prompt-blocked.txt')).toMatchObject({ blocked: true, blockReason: 'PROHIBITED_CONTENT', answers: [], complete: true, usage: { inputFresh: 9, outputText: 0 } });
  });

  it('is an error where one comes', () => {
    expect(stream('gemini-stream-array-error.txt')).toMatchObject({ error: { code: '503', type: 'UNAVAILABLE' }, answers: [{ text: 'Bonjour' }], complete: false, malformed: false });
  });

  it.each([
    ['a whole body', fixture('gemini.json'), { complete: true, malformed: false, answers: [GREETING] }],
    ['a page', '<html><body>Log in</body></html>', { complete: false, malformed: true }],
    ['a list with something else in it', `[1,${fixture('gemini.json')}]`, { complete: false, malformed: true }],
    ['a list that goes on after its end', `[${fixture('gemini.json')}] {}`, { complete: false, malformed: true }],
    ['nothing', '', { complete: false, malformed: false, answers: [] }],
    ['an empty list', '[]', { complete: false, malformed: false, answers: [] }],
  ])('may be %s', (_what, text, facts) => {
    expect(readStream(gemini, text)).toMatchObject(facts);
  });
});

describe('a request', () => {
  const MODEL = '/v1beta/models/gemini-2.5-flash';

  it('tells model and stream by its path, bound and prompt by its body', () => {
    expect(
      gemini.readRequest({ systemInstruction: { parts: [{ text: 'Be kind.' }] }, contents: [{ role: 'user', parts: [{ text: 'Hi' }] }], generationConfig: { maxOutputTokens: 100, candidateCount: 2 } }, `${MODEL}:generateContent`),
    ).toEqual({ model: 'gemini-2.5-flash', stream: false, maxOutput: 100, generations: 2, promptText: 'Be kind.\nHi', promptOverhead: 9, usageInStream: true });
    expect(gemini.readRequest({}, `${MODEL}:streamGenerateContent?alt=sse`)).toMatchObject({ model: 'gemini-2.5-flash', stream: true, maxOutput: undefined, generations: 1 });
    expect(gemini.readRequest({}, '/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro@001:generateContent').model).toBe('gemini-2.5-pro@001');
    expect(gemini.readRequest({}, '/v1beta/models%2Fgemini-x:generateContent').model).toBe('gemini-x');
  });

  it('may spell its members as protocol buffers do', () => {
    const facts = gemini.readRequest(
      { system_instruction: { parts: { text: 'Sys' } }, contents: { parts: [{ text: 'Look' }, { inline_data: { mime_type: 'image/png', data: 'AAAA' } }] }, generation_config: { max_output_tokens: 5, candidate_count: 3 } },
      `${MODEL}:generateContent`,
    );
    expect(facts).toMatchObject({ maxOutput: 5, generations: 3, promptText: 'Sys\nLook', promptOverhead: 9 + 258 });
  });

  it('collects parts of every kind, tools and schemas, but no bytes', () => {
    const { promptText, promptOverhead } = gemini.readRequest(
      {
        contents: [
          { role: 'user', parts: [{ fileData: { fileUri: 'gs://b/x.png' } }, { text: 'Go' }] },
          { role: 'model', parts: [{ functionCall: { name: 'look', args: { at: 1 } }, thoughtSignature: 'CiQB' }, { executableCode: { code: 'print(1)' } }] },
          { role: 'user', parts: [{ functionResponse: { name: 'look', response: { seen: 'tree' } } }, { codeExecutionResult: { output: '1' } }] },
        ],
        tools: [{ functionDeclarations: [{ name: 'look', description: 'Looks.' }] }],
        generationConfig: { responseSchema: { type: 'OBJECT' } },
      },
      `${MODEL}:generateContent`,
    );
    expect(promptText.split('\n')).toEqual(['Go', 'look', '{"at":1}', 'print(1)', 'look', '{"seen":"tree"}', '1', '{"functionDeclarations":[{"name":"look","description":"Looks."}]}', '{"type":"OBJECT"}']);
    expect(promptOverhead).toBe(258 + 3 * 3 + 3);
  });

  it('for embeddings has no output', () => {
    expect(gemini.readRequest({ content: { parts: [{ text: 'one' }] } }, '/v1beta/models/gemini-embedding-001:embedContent')).toMatchObject({ model: 'gemini-embedding-001', stream: false, maxOutput: 0, promptText: 'one', promptOverhead: 0 });
    expect(gemini.readRequest({ requests: [{ content: { parts: [{ text: 'one' }] } }, { content: { parts: [{ text: 'two' }] } }] }, '/v1beta/models/gemini-embedding-001:batchEmbedContents').promptText).toBe('one\ntwo');
  });

  it('always has usage in its stream', () => {
    expect(gemini.askForStreamUsage({ contents: [] })).toBeUndefined();
  });
});
