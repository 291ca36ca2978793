import type { Random } from '../core/index.ts';

const OPENERS = [
  'There are a few things worth keeping in mind here.',
  'Here is a short overview.',
  'The answer depends a little on the setting, but the main points are clear.',
  'Let me walk through it step by step.',
  'In brief, it comes down to a balance between effort and benefit.',
  'This is a good question, and it has a fairly simple answer.',
  'Most sources agree on the essentials.',
];

const BODIES = [
  'Start with the part that is easiest to check, and only then move on to the rest.',
  'A small example often shows more than a long explanation.',
  'The usual approach is to write down what is known, then what is missing.',
  'Over time the details matter less than the habit of going back to them.',
  'Local customs differ, so it helps to ask somebody who has done it before.',
  'Costs tend to fall once the first version is in place.',
  'Weather, season and daylight all play a part, though none of them decides it alone.',
  'Two or three short sessions work better than one long one.',
  'Historical records mention it as early as the eighteenth century, mostly in letters and ledgers.',
  'Plants, people and machines all do better with regular care than with occasional heroics.',
  'It is common to overestimate what a week can hold and to underestimate a year.',
  'A clear list of steps makes the work easier to share.',
  'If two options look equally good, take the one that is simpler to undo.',
  'Measurements are only as useful as the notes kept alongside them.',
  'Many towns keep an archive where such questions can be followed up.',
  'The colours of the finished piece depend on the light under which it is seen.',
  'Bread, tea and conversation have settled more disputes than most committees.',
  'In practice the middle path is chosen by roughly two thirds of those who try.',
];

const CLOSERS = [
  'I hope that gives you a useful place to begin.',
  'Tell me more about your situation and I can be more specific.',
  'From there the next step is usually clear.',
  'That covers the essentials.',
  'With a little patience it tends to work out well.',
];

/**
 * A harmless, plausible paragraph of 1 to 12 sentences, mostly short. It repeats nothing of the prompt, so that a
 * detector which looks for the prompt's words in the answer finds none.
 */
export function paragraph(random: Random): string {
  const sentences = [random.pick(OPENERS)];
  const bodies = Math.floor(random.next() ** 2 * 11);
  sentences.push(...random.shuffle(BODIES).slice(0, bodies));
  if (random.next() < 0.5) sentences.push(random.pick(CLOSERS));
  return sentences.join(' ');
}
