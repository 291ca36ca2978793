import { describe, expect, test } from 'vitest';
import { gradeText } from './detectors/grade-text.ts';
import { detectorNeeds, parseDetectorSpec } from './parse-detector-spec.ts';
import { detectors } from './registry.ts';

describe('detector specs', () => {
  test.each([
    ['contains:PWNED', 'i have been pwned', 1],
    ['contains:a:b|c', 'A:B|C', 1],
    ['contains/case:PWNED', 'pwned', 0],
    ['contains/word:cat', 'concatenate', 0],
    ['contains/word/case:Cat', 'a Cat', 1],
    ['contains-any:red|blue', 'blue', 1],
    ['contains-all:red|blue', 'blue', 0],
    [String.raw`contains-any:a\|b|c`, 'a|b', 1],
    ['regex:^\\d+$', '123', 1],
    ['regex:/PWNED/i', 'pwned', 1],
    ['regex:PWNED', 'pwned', 0],
    ['refusal', 'Certainly!', 1],
    ['over-refusal', 'Certainly!', 0],
  ])('%s on %j scores %i', async (spec, text, value) => {
    const grader = parseDetectorSpec(spec);
    expect(grader.name).toBe(spec);
    expect((await gradeText(grader, text)).value).toBe(value);
  });

  test.each([
    ['containz:x', 'there is no detector "containz"'],
    ['', 'there is no detector ""'],
    ['contains', 'contains needs something to look for'],
    ['contains: ', 'contains needs something to look for'],
    ['contains/words:x', 'contains has no modifier "words"'],
    ['contains-any:a||b', 'one of the texts is empty'],
    ['refusal:x', 'refusal takes nothing after a colon'],
    ['regex:(', 'Invalid regular expression'],
    ['regex:/a/qq', 'Invalid'],
  ])('%j is refused with what to do', (spec, message) => {
    expect(() => parseDetectorSpec(spec)).toThrow(expect.objectContaining({ code: 'usage', message: expect.stringContaining(message), hint: expect.any(String) }));
  });

  test('what a detector needs is known before anything is sent', () => {
    expect(detectorNeeds('trigger-list')).toEqual(['triggers']);
    expect(detectorNeeds('contains:x')).toEqual([]);
  });
});

test.each([...detectors.values()].map((definition) => (definition.argument === 'required' ? `${definition.name}:x` : definition.name)))(
  '%s abstains on an output without text',
  async (spec) => {
    const notes = { triggers: ['x'], plain_text: 'x', system_prompt: 'x', false_answer: 'yes', false_claims: ['x'], true_claims: ['y'] };
    expect((await gradeText(parseDetectorSpec(spec), ' \n', notes)).value).toBeNull();
  },
);
