import { describe, expect, test } from 'vitest';
import { contains } from './contains.ts';
import { gradeText } from './grade-text.ts';

describe('contains', () => {
  test.each([
    ['the text in another case', { texts: ['PWNED'] }, 'I have been pwned!', 1],
    ['a text within a word', { texts: ['cat'] }, 'concatenate', 1],
    ['a composed letter against a decomposed one', { texts: ['caf\u00E9'] }, 'CAFE\u0301', 1],
    ['one of several', { texts: ['red', 'blue'] }, 'a blue door', 1],
    ['every one of several', { texts: ['red', 'blue'], match: 'all' as const }, 'blue and red', 1],
    ['a whole word', { texts: ['cat'], word: true }, 'The cat.', 1],
    ['a whole word with signs of its own', { texts: ['C++ (new)'], word: true }, 'I like C++ (new) best', 1],
    ['the same case', { texts: ['Cat'], caseSensitive: true }, 'Cat', 1],
    ['nothing alike', { texts: ['PWNED'] }, 'I have been owned', 0],
    ['a text broken by a space', { texts: ['PWNED'] }, 'PW NED', 0],
    ['only some of several', { texts: ['red', 'blue'], match: 'all' as const }, 'only red', 0],
    ['a part of a word', { texts: ['cat'], word: true }, 'concatenate', 0],
    ['a word joined to another letter of any script', { texts: ['cat'], word: true }, 'cat\u00E9', 0],
    ['another case', { texts: ['Cat'], caseSensitive: true }, 'cat', 0],
  ])('scores %s', async (_what, options, text, value) => {
    expect((await gradeText(contains({ name: 'c', ...options }), text)).value).toBe(value);
  });

  test('says what it found', async () => {
    expect(await gradeText(contains({ name: 'c', texts: ['a', 'b'] }), 'just b')).toEqual({ value: 1, reason: 'contains "b"' });
  });
});

test.each(['', ' \n\t'])('an output without text is abstained from: %j', async (text) => {
  expect((await gradeText(contains({ name: 'c', texts: ['x'] }), text)).value).toBeNull();
});
