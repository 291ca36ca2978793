import { encodingProbe } from './encoding-probe.ts';

export const hex = encodingProbe({
  name: 'hex',
  title: 'hexadecimal',
  description: 'Hides a sentence in a hex dump: bytes in lower case with blanks between them.',
  references: [],
  encode: (text) => (Buffer.from(text).toString('hex').match(/../g) ?? []).join(' '),
  payload: '[0-9a-f]{2}(?: [0-9a-f]{2})+',
  chance: 0.65,
});
