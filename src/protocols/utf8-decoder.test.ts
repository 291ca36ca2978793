import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt } from './fixtures/stream.ts';
import { Utf8Decoder } from './utf8-decoder.ts';

function decode(pieces: readonly Uint8Array[]): string {
  const decoder = new Utf8Decoder();
  return pieces.map((piece) => decoder.decode(piece)).join('');
}

describe('Utf8Decoder', () => {
  it.each([
    ['a character cut in its middle', [[0xf0, 0x9f], [0x91], [0x8b, 0x21]], '👋!'],
    ['a character that never ends', [[0x61, 0xf0, 0x9f], [0x62]], 'a\ufffdb'],
    ['an end that is open', [[0x61, 0xc3]], 'a'],
    ['one mark at the start, wherever it is cut', [[0xef], [0xbb, 0xbf, 0xef, 0xbb, 0xbf, 0x61]], '\ufeffa'],
    ['no mark further on', [[0x61], [0xef, 0xbb, 0xbf, 0x62]], 'a\ufeffb'],
    ['nothing', [[], []], ''],
  ])('reads %s', (_name, pieces, text) => {
    expect(decode(pieces.map((piece) => Uint8Array.from(piece)))).toBe(text);
  });

  it('reads as the platform does, however the bytes are cut, be they text or not', () => {
    const part = fc.oneof(fc.constantFrom('a', '\n', 'é', '文', '👋🏽', '\ufeff').map((text) => [...Buffer.from(text)]), fc.array(fc.integer({ min: 0x80, max: 0xff }), { maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), fc.array(fc.nat(200), { maxLength: 12 }), (parts, places) => {
        const bytes = Uint8Array.from(parts.flat());
        const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true }).replace(/^\ufeff/, '');
        expect(decode(cutAt(bytes, places))).toBe(text);
        expect(decode([...bytes].map((byte) => Uint8Array.of(byte)))).toBe(text);
      }),
      { numRuns: 3000 },
    );
  });
});
