import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completionTokens, promptTokens } from '../core/index.ts';
import { mergeAnthropicUsage, readAnthropicUsage } from './anthropic-usage.ts';
import { readEmbeddingsUsage, readOpenAiUsage } from './openai-usage.ts';

const bare = { inputFresh: undefined, cacheRead: undefined, cacheWrite: undefined, outputText: undefined, reasoning: undefined };

describe('usage as OpenAI reports it', () => {
  it('keeps what is known where only some is given', () => {
    expect(readOpenAiUsage({ completion_tokens: 7 })).toMatchObject({ ...bare, outputText: 7 });
    expect(readOpenAiUsage({ prompt_tokens: 3, prompt_tokens_details: null })).toMatchObject({ ...bare, inputFresh: 3 });
  });

  it('is undefined where no count can be read: unknown is not zero', () => {
    for (const value of [undefined, null, {}, [], 'x', { prompt_tokens: null }, { prompt_tokens: '5' }, { prompt_tokens: -1 }, { completion_tokens: Number.NaN }]) expect(readOpenAiUsage(value)).toBeUndefined();
  });

  it('keeps a zero as a zero', () => {
    expect(readOpenAiUsage({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 })).toMatchObject({ inputFresh: 0, outputText: 0 });
  });

  it('lets the total hold where details contradict it', () => {
    expect(readOpenAiUsage({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, prompt_tokens_details: { cached_tokens: 12 }, completion_tokens_details: { reasoning_tokens: 9 } })).toMatchObject({ inputFresh: 0, cacheRead: 10, outputText: 0, reasoning: 5 });
  });

  it('counts reasoning beside the completion where the total says so, or nothing else is possible', () => {
    expect(readOpenAiUsage({ prompt_tokens: 12, completion_tokens: 10, total_tokens: 25, completion_tokens_details: { reasoning_tokens: 3 } })).toMatchObject({ outputText: 10, reasoning: 3 });
    expect(readOpenAiUsage({ prompt_tokens: 12, completion_tokens: 1, completion_tokens_details: { reasoning_tokens: 300 } })).toMatchObject({ outputText: 1, reasoning: 300 });
  });

  it('never gives a negative bucket, and buckets that add up to the totals', () => {
    const count = fc.option(fc.nat(1000), { nil: undefined });
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), count, count, count, (prompt, completion, cached, written, reasoning) => {
        const usage = readOpenAiUsage({
          prompt_tokens: prompt,
          completion_tokens: completion,
          total_tokens: prompt + completion,
          prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
          completion_tokens_details: { reasoning_tokens: reasoning },
        })!;
        expect(promptTokens(usage)).toBe(prompt);
        expect(completionTokens(usage)).toBe(completion);
        for (const bucket of [usage.inputFresh, usage.cacheRead, usage.cacheWrite, usage.outputText, usage.reasoning]) expect(bucket ?? 0).toBeGreaterThanOrEqual(0);
        expect(usage.reasoning === undefined).toBe(reasoning === undefined);
      }),
    );
  });

  it('has no output in embeddings', () => {
    expect(readEmbeddingsUsage({ prompt_tokens: 4, total_tokens: 4 })).toMatchObject({ ...bare, inputFresh: 4, outputText: 0 });
    expect(readEmbeddingsUsage({})).toBeUndefined();
  });
});

describe('usage as Anthropic reports it', () => {
  it('keeps what is known where only some is given', () => {
    expect(readAnthropicUsage({ input_tokens: 3, cache_read_input_tokens: null })).toMatchObject({ ...bare, inputFresh: 3 });
    expect(readAnthropicUsage({ output_tokens: 3 })).toMatchObject({ ...bare, outputText: 3 });
    expect(readAnthropicUsage({ cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 3 } })).toMatchObject({ ...bare, cacheWrite: 5 });
  });

  it('is undefined where no count can be read', () => {
    for (const value of [undefined, null, {}, { input_tokens: null }, { service_tier: 'standard' }]) expect(readAnthropicUsage(value)).toBeUndefined();
  });

  it('merges by the last figure of each field, never by adding', () => {
    const merged = mergeAnthropicUsage({ input_tokens: 5, output_tokens: 1 }, { input_tokens: null, output_tokens: 9 });
    expect(merged).toEqual({ input_tokens: 5, output_tokens: 9 });
    expect(mergeAnthropicUsage(merged, undefined)).toEqual(merged);
  });

  it('never lets thinking be more than the output', () => {
    expect(readAnthropicUsage({ output_tokens: 5, output_tokens_details: { thinking_tokens: 8 } })).toMatchObject({ outputText: 0, reasoning: 5 });
  });
});
