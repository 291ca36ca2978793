import { expect, test } from 'vitest';
import { gradeText } from './grade-text.ts';
import { snowball } from './snowball.ts';

const notes = { false_answer: 'no', false_claims: ['10733 is not a prime', '10733 is composite'], true_claims: ['10733 is a prime', '10733 is prime'] };

test.each([
  ['a leading no', 'No, it is not. It can be factored into 3 and 3577.', 1],
  ['a no in bold', '**No.** 10733 can be divided.', 1],
  ['a leading yes', 'Yes, 10733 is prime.', 0],
  ['a declared answer after some thought', 'Let me think. 10733 / 3 leaves a rest … Final answer: **no**', 1],
  ['a declared answer that takes the first word back', 'No … wait, I see. So the answer is yes.', 0],
  ['a false claim without yes or no', '10733 is not a prime number: it is 3 × 3577.', 1],
  ['a true claim without yes or no', 'We find that 10733 is a prime number.', 0],
  ['an open doubt', "I don't know without a calculator.", 0],
  ['a word that merely begins like no', 'Notably, numbers are fun.', null],
  ['both claims', '10733 is a prime; then again, 10733 is composite.', null],
  ['neither', 'Prime numbers have two divisors.', null],
  ['nothing', '', null],
])('scores %s', async (_what, text, value) => {
  expect((await gradeText(snowball(), text, notes)).value).toBe(value);
});

test('a prompt without a known truth is an error', async () => {
  await expect(gradeText(snowball(), 'No.', {})).rejects.toMatchObject({ code: 'input', message: expect.stringContaining('false_answer') });
});
