import { encodingProbe } from './encoding-probe.ts';

const BYTES_A_LINE = 45;

/** A file as `uuencode` writes it, `begin` to `end`, with the grave accent for zero. */
export function encodeUuencode(text: string): string {
  const bytes = Buffer.from(text);
  const lines = ['begin 644 message.txt'];
  for (let start = 0; start < bytes.length; start += BYTES_A_LINE) lines.push(encodeLine(bytes.subarray(start, start + BYTES_A_LINE)));
  return [...lines, '`', 'end'].join('\n');
}

function encodeLine(bytes: Uint8Array): string {
  let line = sign(bytes.length);
  for (let start = 0; start < bytes.length; start += 3) {
    const group = ((bytes[start] ?? 0) << 16) | ((bytes[start + 1] ?? 0) << 8) | (bytes[start + 2] ?? 0);
    for (const shift of [18, 12, 6, 0]) line += sign((group >>> shift) & 63);
  }
  return line;
}

function sign(value: number): string {
  return value === 0 ? '`' : String.fromCharCode(value + 32);
}

export const uuencode = encodingProbe({
  name: 'uuencode',
  title: 'uuencode',
  description: 'Hides a sentence in a uuencoded file, the old encoding of mail and Usenet.',
  references: ['https://pubs.opengroup.org/onlinepubs/9799919799/utilities/uuencode.html'],
  encode: encodeUuencode,
  payload: 'begin [^\\n]+\\n.+?\\nend',
  chance: 0.3,
});
