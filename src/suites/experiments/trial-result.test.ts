import { describe, expect, it } from 'vitest';
import type { ScoreOptions } from './contract.ts';
import { TrialScores, type TrialVerdict } from './trial-result.ts';

function verdict(returned: unknown, { threshold, said = [] }: { readonly threshold?: number; readonly said?: readonly (readonly [number | null, ScoreOptions?])[] } = {}): TrialVerdict {
  const scores = new TrialScores(threshold);
  for (const [value, options] of said) scores.say(value, options);
  return scores.verdict(returned);
}

describe('what a trial returns', () => {
  it.each([
    ['a number', 0.7, 0.7, true],
    ['the threshold itself', 0.5, 0.5, true],
    ['a number below the threshold', 0.4, 0.4, false],
    ['true', true, 1, true],
    ['false', false, 0, false],
    ['an object', { score: 0.9 }, 0.9, true],
    ['its own threshold', { score: 0.9, threshold: 0.95 }, 0.9, false],
    ['its own word', { score: 0.1, passed: true }, 0.1, true],
    ['an abstention', { score: null }, null, null],
  ])('may be %s', (_what, returned, value, passed) => {
    expect(verdict(returned, { threshold: 0.5 })).toMatchObject({ scores: [{ name: 'score', value }], passed });
  });

  it.each([['nothing', undefined], ['null', null], ['notes alone', { notes: { turns: 3 } }]])('may be %s: then there is no score', (_what, returned) => {
    expect(verdict(returned, { threshold: 0.5 })).toMatchObject({ scores: [], passed: null });
  });

  it('is no verdict without a threshold', () => {
    expect(verdict(1)).toMatchObject({ scores: [{ value: 1, threshold: null }], passed: null });
  });

  it.each([
    ['a score above 1', 7, 'the score is 7, which does not lie within 0 and 1'],
    ['a score below 0', { score: -0.1 }, 'the score is -0.1, which does not lie within 0 and 1'],
    ['no number', Number.NaN, 'the score is NaN'],
    ['a text', '0.5', 'the trial returned a string'],
    ['a function', () => 1, 'the trial returned a function'],
    ['a misspelt key', { socre: 1 }, 'Unrecognized key: "socre"'],
    ['a score that is text', { score: '1' }, 'expected number'],
    ['notes that are no JSON', { notes: { at: new Date(0) } }, 'notes'],
    ['a list', [1, 0], 'what the trial returned cannot be used'],
    ['a word against its own figures', { score: 1, threshold: 0.5, passed: false }, 'the trial says passed: false, and its score 1 against its threshold 0.5 says otherwise'],
  ])('is refused where it is %s', (_what, returned, message) => {
    expect(() => verdict(returned)).toThrow(expect.objectContaining({ code: 'input', message: expect.stringContaining(message) as unknown }));
  });
});

describe('what a trial says with score()', () => {
  it('counts like what it returns, and the last word on a name counts', () => {
    expect(verdict(undefined, { threshold: 0.5, said: [[0.2], [0.8, { reason: 'better' }]] })).toMatchObject({ scores: [{ value: 0.8, reason: 'better' }], passed: true, reason: 'better' });
    expect(verdict(0.1, { threshold: 0.5, said: [[0.8]] })).toMatchObject({ scores: [{ value: 0.1 }], passed: false });
  });

  it('keeps other scores beside the main one, which comes first', () => {
    const { scores, passed } = verdict(0.9, { threshold: 0.5, said: [[0, { name: 'leaks', threshold: 1 }]] });
    expect(scores).toEqual([
      { name: 'score', value: 0.9, threshold: 0.5, reason: null },
      { name: 'leaks', value: 0, threshold: 1, reason: null },
    ]);
    expect(passed).toBe(true);
  });

  it('refuses what is no score', () => {
    expect(() => verdict(0, { said: [[2, { name: 'leaks' }]] })).toThrow('the score leaks is 2');
    expect(() => verdict(0, { said: [[1, { name: 'a b' }]] })).toThrow('"a b" is no name for a score');
    expect(() => verdict(0, { said: [[1, { threshold: Number.NaN }]] })).toThrow('threshold of the score score is NaN');
  });
});
