import fc from 'fast-check';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from './tokenizer.ts';

const PLAIN = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
const tokenizer = await loadTokenizer();

describe('tokenizer', () => {
  it('counts as the encoding does, however sentences are put together', () => {
    const piece = fc.oneof(fc.constantFrom('.', '!', '? ', ' ', '\n', ' A', 'x.y ', '… ', "it's. ", '3.', '世界。', '🙂'), fc.string({ unit: 'grapheme', maxLength: 20 }), fc.lorem({ maxCount: 4, mode: 'sentences' }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        expect(tokenizer.count(text)).toBe(encode(text, PLAIN).length);
      }),
      { numRuns: 300 },
    );
  });

  it('counts text that looks like a special token as plain text', () => {
    expect(tokenizer.count('<|endoftext|>')).toBe(encode('<|endoftext|>', PLAIN).length);
    expect(tokenizer.count('<|endoftext|>')).toBeGreaterThan(1);
  });

  it('counts a long run of one character without taking quadratic time', () => {
    const before = process.cpuUsage().user;
    expect(tokenizer.count('a'.repeat(200_000))).toBeGreaterThan(10_000);
    expect(tokenizer.count(' '.repeat(200_000))).toBeGreaterThan(100);
    expect(tokenizer.count('='.repeat(200_000))).toBeGreaterThan(100);
    expect((process.cpuUsage().user - before) / 1000).toBeLessThan(3000);
  });

  it('cuts to a number of tokens, and leaves shorter text whole', () => {
    const text = 'First comes one sentence of some length. Then another one follows. Finally a third.';
    for (let max = 0; max <= tokenizer.count(text); max++) {
      const cut = tokenizer.truncate(text, max);
      expect(text.startsWith(cut.text)).toBe(true);
      expect(cut.tokens).toBe(max);
      expect(tokenizer.count(cut.text)).toBe(max);
    }
    expect(tokenizer.truncate(text, 1000)).toEqual({ text, tokens: tokenizer.count(text) });
  });

  it('never leaves half a character behind', () => {
    const emoji = '🧑‍🚀🧬𐍈'.repeat(5);
    for (let max = 0; max < tokenizer.count(emoji); max++) expect(tokenizer.truncate(emoji, max).text).not.toContain('\uFFFD');
  });
});
