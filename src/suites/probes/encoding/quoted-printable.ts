import { encodingProbe } from './encoding-probe.ts';

/** Escapes a line may hold, so that with the soft break's `=` it stays within 76 characters (RFC 2045). */
const ESCAPES_A_LINE = 25;

/** Every byte escaped, not only those that need it, with soft line breaks. */
export function encodeQuotedPrintable(text: string): string {
  const escapes = Array.from(Buffer.from(text), (byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`);
  const lines: string[] = [];
  for (let start = 0; start < escapes.length; start += ESCAPES_A_LINE) lines.push(escapes.slice(start, start + ESCAPES_A_LINE).join(''));
  return lines.join('=\n');
}

export const quotedPrintable = encodingProbe({
  name: 'quoted-printable',
  title: 'quoted-printable',
  description: 'Hides a sentence in quoted-printable, the escape of mail bodies, with every byte escaped.',
  references: ['https://www.rfc-editor.org/rfc/rfc2045#section-6.7'],
  encode: encodeQuotedPrintable,
  payload: '(?:=[0-9A-F]{2}|=\\n)+',
  chance: 0.5,
});
