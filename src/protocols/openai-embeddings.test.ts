import { describe, expect, it } from 'vitest';
import { UNKNOWN_USAGE } from '../core/index.ts';
import { fixture } from './fixtures/fixture.ts';
import { readStream } from './fixtures/stream.ts';
import { openAiEmbeddings } from './openai-embeddings.ts';

const read = (body: unknown) => openAiEmbeddings.readRequest(body, '/v1/embeddings');

describe('embeddings', () => {
  it('have usage with no output, and no answers', () => {
    expect(openAiEmbeddings.readResponse(200, fixture('embeddings.json'))).toMatchObject({
      model: 'text-embedding-3-small',
      answers: [],
      usage: { inputFresh: 8, outputText: 0, reasoning: undefined, source: 'reported' },
      complete: true,
    });
    expect(openAiEmbeddings.readResponse(200, fixture('embeddings-no-usage.json'))).toMatchObject({ usage: UNKNOWN_USAGE, complete: true });
  });

  it('have prompt tokens where only the total is given', () => {
    expect(openAiEmbeddings.readResponse(200, '{"data":[],"usage":{"total_tokens":5}}').usage).toMatchObject({ inputFresh: 5, outputText: 0 });
  });

  it.each(['', 'x', '{}', '{"data":1}'])('are malformed where the body is %j', (body) => {
    expect(openAiEmbeddings.readResponse(200, body)).toMatchObject({ malformed: true, complete: false });
  });

  it('are an error where the answer is one', () => {
    expect(openAiEmbeddings.readResponse(401, fixture('error-openai-401.json'))).toMatchObject({ error: { code: 'invalid_api_key' } });
    expect(openAiEmbeddings.readResponse(200, '{"error":{"message":"no"}}')).toMatchObject({ error: { message: 'no' }, malformed: false, complete: false });
  });

  it('count texts by their text and tokens by their number', () => {
    expect(read({ model: 'e', input: 'abc' })).toMatchObject({ model: 'e', maxOutput: 0, promptText: 'abc', promptOverhead: 0, generations: 1 });
    expect(read({ input: ['a', 'b'] })).toMatchObject({ promptText: 'a\nb', promptOverhead: 0 });
    expect(read({ input: [1, 2, 3] })).toMatchObject({ promptText: '', promptOverhead: 3 });
    expect(read({ input: [[1, 2], [3, 4, 5]] })).toMatchObject({ promptText: '', promptOverhead: 5 });
    expect(read(undefined)).toMatchObject({ promptText: '', promptOverhead: 0, model: undefined });
  });

  it('take the deployment of an Azure path', () => {
    expect(openAiEmbeddings.readRequest({ input: 'a' }, '/openai/deployments/ada/embeddings').model).toBe('ada');
  });

  it('are read from pieces of one body', () => {
    expect(readStream(openAiEmbeddings, fixture('embeddings.json'))).toEqual({ ...openAiEmbeddings.readResponse(200, fixture('embeddings.json')), started: true });
    expect(readStream(openAiEmbeddings, '')).toMatchObject({ complete: false, malformed: false, started: false });
  });
});
