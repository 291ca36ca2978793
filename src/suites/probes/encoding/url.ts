import { encodingProbe } from './encoding-probe.ts';

export const url = encodingProbe({
  name: 'url',
  title: 'URL encoding',
  description: 'Hides a sentence in percent-encoding with every byte escaped, not only those that need it.',
  references: ['https://www.rfc-editor.org/rfc/rfc3986#section-2.1'],
  encode: (text) => Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  payload: '(?:%[0-9A-F]{2})+',
  chance: 0.7,
});
