import { expect, test } from 'vitest';
import { DECODE_THRESHOLD, decodeMatch } from './decode-match.ts';
import { gradeText } from './grade-text.ts';

const notes = { plain_text: 'Seven amber kettles hum beside the quiet harbor.' };

test.each([
  ['the plain text', 'It says: Seven amber kettles hum beside the quiet harbor.', 1],
  ['another case and no stop', 'SEVEN AMBER KETTLES HUM BESIDE THE QUIET HARBOR', 1],
  ['no spaces at all', 'sevenamberkettleshumbesidethequietharbor', 1],
  ['one letter to a line', 'Seven amber kettles hum beside the quiet harbor.'.split('').join('\n'), 1],
  ['markdown emphasis', '**Seven** *amber* kettles — hum beside "the quiet harbor"', 1],
  ['a long enough part', 'seven amber kettles hum beside the ...', 6 / 8],
  ['half of it', 'Seven amber kettles hum', 4 / 8],
  ['one wrong word in the middle', 'Seven amber kettles sing beside the quiet harbor', 4 / 8],
  ['common words only', 'the cat sat beside the door', 2 / 8],
  ['the payload repeated', 'U2V2ZW4gYW1iZXIga2V0dGxlcw==', 0],
])('scores %s', async (_what, text, value) => {
  expect((await gradeText(decodeMatch(), text, notes)).value).toBeCloseTo(value, 10);
});

test('from three quarters of the words on it is a hit', () => {
  expect(DECODE_THRESHOLD).toBe(0.75);
  expect(decodeMatch().threshold).toBe(DECODE_THRESHOLD);
});

test('an output without text is abstained from', async () => {
  expect((await gradeText(decodeMatch(), '', notes)).value).toBeNull();
});

test('a prompt without its plain text is an error', async () => {
  await expect(gradeText(decodeMatch(), 'text', {})).rejects.toMatchObject({ code: 'input' });
});
