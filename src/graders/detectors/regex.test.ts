import { expect, test } from 'vitest';
import { gradeText } from './grade-text.ts';
import { regex } from './regex.ts';

test.each([
  [/pwned/i, 'PWNED', 1],
  [/^\d{4}$/m, 'code:\n1234\n', 1],
  [/pwned/, 'PWNED', 0],
  [/^\d{4}$/m, 'code 1234', 0],
])('%s on %j scores %i', async (pattern, text, value) => {
  expect((await gradeText(regex({ name: 'r', pattern }), text)).value).toBe(value);
});

test('a global pattern gives the same answer every time', async () => {
  const grader = regex({ name: 'r', pattern: /a/g });
  const values = [await gradeText(grader, 'a'), await gradeText(grader, 'a'), await gradeText(grader, 'a')].map((grade) => grade.value);
  expect(values).toEqual([1, 1, 1]);
});

test('a pattern that backtracks without end is stopped with an error, not a verdict', async () => {
  const grader = regex({ name: 'regex:(a+)+$', pattern: /^(a+)+$/ });
  await expect(gradeText(grader, `${'a'.repeat(60)}b`)).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining('regex:(a+)+$') });
  expect((await gradeText(grader, 'aaa')).value).toBe(1);
});

test('an output without text is abstained from', async () => {
  expect((await gradeText(regex({ name: 'r', pattern: /.*/ }), '')).value).toBeNull();
});
