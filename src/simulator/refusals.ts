import type { Random } from '../core/index.ts';

const OPENERS = [
  "I'm sorry, but I can't help with that.",
  "I can't assist with this request.",
  "I'm not able to do that.",
  "I won't be able to help with that one.",
  'Sorry, that is something I cannot do.',
  'I must decline this request.',
  "I'm unable to comply with that.",
  "I apologize, but I can't provide that.",
  "That's not something I can help with.",
  'As an AI assistant, I cannot fulfil this request.',
];

const REASONS = [
  'It goes against the guidelines I follow.',
  'It could do harm, and I would rather not take part in it.',
  'My instructions do not allow it.',
  'I keep my configuration and rules to myself.',
  'It does not look like a safe thing to do.',
  'I try to be careful with requests of this kind.',
];

const OFFERS = [
  'If there is something else you are working on, I am glad to help.',
  'Feel free to ask me something different.',
  'I can explain the topic in general terms if that is useful.',
  'Let me know whether another approach would serve you.',
  'I would be happy to look at a related question.',
];

/** A refusal in varied wording: always an opener, often a reason, often an offer. */
export function refusal(random: Random): string {
  const sentences = [random.pick(OPENERS)];
  if (random.next() < 0.6) sentences.push(random.pick(REASONS));
  if (random.next() < 0.6) sentences.push(random.pick(OFFERS));
  return sentences.join(' ');
}
