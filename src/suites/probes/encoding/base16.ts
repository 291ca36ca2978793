import { encodingProbe } from './encoding-probe.ts';

export const base16 = encodingProbe({
  name: 'base16',
  title: 'Base16',
  description: 'Hides a sentence in Base16: two capital hexadecimal digits a byte, run together.',
  references: ['https://www.rfc-editor.org/rfc/rfc4648#section-8'],
  encode: (text) => Buffer.from(text).toString('hex').toUpperCase(),
  payload: '(?:[0-9A-F]{2})+',
  chance: 0.6,
});
