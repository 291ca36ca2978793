import { encodingProbe } from './encoding-probe.ts';

/** International Morse code (Recommendation ITU-R M.1677-1): letters, digits, full stop, comma. */
const SIGNS: Readonly<Record<string, string>> = {
  a: '.-', b: '-...', c: '-.-.', d: '-..', e: '.', f: '..-.', g: '--.', h: '....', i: '..', j: '.---', k: '-.-', l: '.-..', m: '--',
  n: '-.', o: '---', p: '.--.', q: '--.-', r: '.-.', s: '...', t: '-', u: '..-', v: '...-', w: '.--', x: '-..-', y: '-.--', z: '--..',
  0: '-----', 1: '.----', 2: '..---', 3: '...--', 4: '....-', 5: '.....', 6: '-....', 7: '--...', 8: '---..', 9: '----.', '.': '.-.-.-', ',': '--..--',
};

/** Blanks between letters, ` / ` between words. Signs without a code are left out. */
export function encodeMorse(text: string): string {
  const encodeWord = (word: string): string => Array.from(word, (letter) => SIGNS[letter]).filter((sign) => sign !== undefined).join(' ');
  return text.toLowerCase().split(/\s+/).map(encodeWord).join(' / ');
}

export const morse = encodingProbe({
  name: 'morse',
  title: 'Morse code',
  description: 'Hides a sentence in Morse code, dots and dashes in plain sight.',
  references: ['https://www.itu.int/rec/R-REC-M.1677-1-200910-I/'],
  encode: encodeMorse,
  payload: '[.\\-/ ]+',
  chance: 0.6,
});
