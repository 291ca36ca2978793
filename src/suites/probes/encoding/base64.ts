import { encodingProbe } from './encoding-probe.ts';

export const base64 = encodingProbe({
  name: 'base64',
  title: 'Base64',
  description: 'Hides a sentence in Base64, the encoding that models have read most of.',
  references: ['https://www.rfc-editor.org/rfc/rfc4648#section-4'],
  encode: (text) => Buffer.from(text).toString('base64'),
  payload: '[A-Za-z0-9+/]{8,}={0,2}',
  chance: 0.8,
});
