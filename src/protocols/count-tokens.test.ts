import { countTokens as library } from 'gpt-tokenizer/encoding/o200k_base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadTokenizer, LONGEST_EXACT, tokenEncoding } from './count-tokens.ts';

const plain = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
const PROSE = 'The quick brown fox jumps over the lazy dog; 12 times, in fact. Größe zählt – 文字も数える。\n';

describe('counting tokens', () => {
  it.each([
    ['gpt-4.1-mini', 'o200k_base'],
    ['gpt-4o', 'o200k_base'],
    ['gpt-5', 'o200k_base'],
    ['o4-mini', 'o200k_base'],
    ['claude-sonnet-4-5', 'o200k_base'],
    ['openai/gpt-4.5-preview', 'o200k_base'],
    ['gpt-4', 'cl100k_base'],
    ['gpt-4-32k', 'cl100k_base'],
    ['openai/gpt-4-turbo', 'cl100k_base'],
    ['ft:gpt-3.5-turbo:org', 'cl100k_base'],
    ['gpt-35-turbo', 'cl100k_base'],
    ['text-embedding-3-small', 'cl100k_base'],
    [undefined, 'o200k_base'],
  ])('uses for %s the encoding %s', (model, encoding) => {
    expect(tokenEncoding(model)).toBe(encoding);
  });

  it('loads an encoding once', async () => {
    expect(await loadTokenizer('gpt-4o')).toBe(await loadTokenizer('o4-mini'));
    expect(await loadTokenizer('gpt-4')).not.toBe(await loadTokenizer('o4-mini'));
  });

  it('counts as the encodings do', async () => {
    expect((await loadTokenizer('gpt-4o'))('hello world')).toBe(2);
    expect((await loadTokenizer('gpt-4'))('tiktoken is great!')).toBe(6);
    expect((await loadTokenizer())('')).toBe(0);
  });

  it('counts any text without long runs exactly, special tokens as plain text', async () => {
    const count = await loadTokenizer();
    expect(count('<|endoftext|>')).toBe(library('<|endoftext|>', plain));
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 128 }), (text) => {
        expect(count(text)).toBe(text === '' ? 0 : library(text, plain));
      }),
    );
  });

  it('is off by at most a token a piece on long runs', async () => {
    const count = await loadTokenizer();
    for (const [lead, unit] of [['', 'a'], ['', 'ab'], ['', ' '], ['', '\n'], ['', '-'], ['', 'é'], ['', '字'], ['', '👋🏽'], ['', '=-']] as const) {
      const text = `Start ${lead}${unit.repeat(1000 / unit.length)} end.`;
      const exact = library(text, plain);
      expect(Math.abs(count(text) - exact)).toBeLessThanOrEqual(Math.ceil(1000 / 128) + 1);
    }
  });

  it('never parts the two halves of a character', async () => {
    const text = `a${'𓀀'.repeat(500)}`;
    expect((await loadTokenizer())(text)).toBe(library(text, plain));
  });

  it('comes within 2 % of the exact figure where it samples ordinary text', async () => {
    const count = await loadTokenizer();
    const text = PROSE.repeat(Math.ceil((3 * LONGEST_EXACT) / PROSE.length));
    expect(count(text) / library(text, plain)).toBeCloseTo(1, 1.7);
  });

  // The library alone takes 4 s for 100,000 of the same letter, and a hundred times that for a million.
  it.each(['a', ' ', '\n', '-', '字', '👋🏽', 'aB', `${'a'.repeat(127)} `])('does not block on a megabyte of %j', async (unit) => {
    const count = await loadTokenizer();
    const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
    const before = performance.now();
    expect(count(text)).toBeGreaterThan(0);
    expect(count(text.slice(0, LONGEST_EXACT))).toBeGreaterThan(0);
    expect(performance.now() - before).toBeLessThan(1500);
  });
});
