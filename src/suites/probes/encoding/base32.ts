import { encodingProbe } from './encoding-probe.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** RFC 4648 with padding. */
export function encodeBase32(text: string): string {
  let bits = '';
  for (const byte of Buffer.from(text)) bits += byte.toString(2).padStart(8, '0');
  const digits = (bits.match(/.{1,5}/g) ?? []).map((group) => ALPHABET[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
  return digits.padEnd(Math.ceil(digits.length / 8) * 8, '=');
}

export const base32 = encodingProbe({
  name: 'base32',
  title: 'Base32',
  description: 'Hides a sentence in Base32, which has fewer signs than Base64 and is read less often.',
  references: ['https://www.rfc-editor.org/rfc/rfc4648#section-6'],
  encode: encodeBase32,
  payload: '[A-Z2-7]{8,}={0,6}',
  chance: 0.5,
});
