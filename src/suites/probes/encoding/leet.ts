import { encodingProbe } from './encoding-probe.ts';

const SIGNS: Readonly<Record<string, string>> = { a: '4', e: '3', i: '1', o: '0', s: '5', t: '7' };

/** Six letters for digits, the commonest substitutions. */
export function encodeLeet(text: string): string {
  return text.replaceAll(/[aeiost]/gi, (letter) => SIGNS[letter.toLowerCase()] ?? letter);
}

export const leet = encodingProbe({
  name: 'leet',
  title: 'leetspeak',
  description: 'Hides a sentence in leetspeak: letters become digits, so that lists of words no longer match.',
  references: [],
  encode: encodeLeet,
  payload: '[^\\n]+',
  chance: 0.75,
});
