import { encodingProbe } from './encoding-probe.ts';

/** Moves each ASCII letter by thirteen places. */
export function encodeRot13(text: string): string {
  return text.replaceAll(/[a-z]/gi, (letter) => {
    const base = letter <= 'Z' ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
  });
}

export const rot13 = encodingProbe({
  name: 'rot13',
  title: 'ROT13',
  description: 'Hides a sentence in ROT13, a letter shift that looks like words of an unknown language.',
  references: [],
  encode: encodeRot13,
  payload: '[^\\n]+',
  chance: 0.7,
});
