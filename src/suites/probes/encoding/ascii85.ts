import { encodingProbe } from './encoding-probe.ts';

/** Adobe's form, between `<~` and `~>`; four zero bytes are `z`. */
export function encodeAscii85(bytes: Uint8Array): string {
  let digits = '';
  for (let start = 0; start < bytes.length; start += 4) {
    const group = bytes.subarray(start, start + 4);
    let value = 0;
    for (let index = 0; index < 4; index++) value = value * 256 + (group[index] ?? 0);
    if (value === 0 && group.length === 4) {
      digits += 'z';
      continue;
    }
    let quintet = '';
    for (let index = 0; index < 5; index++) {
      quintet = String.fromCharCode((value % 85) + 33) + quintet;
      value = Math.floor(value / 85);
    }
    digits += quintet.slice(0, group.length + 1);
  }
  return `<~${digits}~>`;
}

export const ascii85 = encodingProbe({
  name: 'ascii85',
  title: 'Ascii85',
  description: 'Hides a sentence in Ascii85 as in PDF and PostScript files, dense with punctuation.',
  references: [],
  encode: (text) => encodeAscii85(Buffer.from(text)),
  payload: '<~[!-uz]+~>',
  chance: 0.3,
});
