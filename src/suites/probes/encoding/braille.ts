import { encodingProbe } from './encoding-probe.ts';

/** Unified English Braille, grade 1, as Unicode cells: letters, full stop, comma. */
const CELLS: Readonly<Record<string, string>> = {
  a: '⠁', b: '⠃', c: '⠉', d: '⠙', e: '⠑', f: '⠋', g: '⠛', h: '⠓', i: '⠊', j: '⠚', k: '⠅', l: '⠇', m: '⠍',
  n: '⠝', o: '⠕', p: '⠏', q: '⠟', r: '⠗', s: '⠎', t: '⠞', u: '⠥', v: '⠧', w: '⠺', x: '⠭', y: '⠽', z: '⠵', '.': '⠲', ',': '⠂', ' ': ' ',
};
const CAPITAL = '⠠';

/** Capitals after the capital sign; signs without a cell are left out. */
export function encodeBraille(text: string): string {
  return Array.from(text, (sign) => {
    const cell = CELLS[sign.toLowerCase()];
    if (cell === undefined) return '';
    return /[A-Z]/.test(sign) ? CAPITAL + cell : cell;
  }).join('');
}

export const braille = encodingProbe({
  name: 'braille',
  title: 'Braille',
  description: 'Hides a sentence in Braille cells of Unicode, which filters for words pass over.',
  references: ['https://www.unicode.org/charts/PDF/U2800.pdf'],
  encode: encodeBraille,
  payload: '[\\u2800-\\u28FF ]+',
  chance: 0.4,
});
