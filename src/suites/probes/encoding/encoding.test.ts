import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../core/index.ts';
import { decodeText, type CodecName } from '../../../simulator/index.ts';
import { encodeAscii85 } from './ascii85.ts';
import { encodeBase32 } from './base32.ts';
import { encodeBraille } from './braille.ts';
import { encodeLeet } from './leet.ts';
import { encodeMorse } from './morse.ts';
import { encodeQuotedPrintable } from './quoted-printable.ts';
import { encodeRot13 } from './rot13.ts';
import { encodeUnicodeTags } from './unicode-tags.ts';
import { encodeUuencode } from './uuencode.ts';
import { encodingProbes } from './index.ts';

const PLAIN = 'Seven amber kettles hum beside the quiet harbor.';

describe('encoders agree with published and independent vectors', () => {
  test.each([
    ['', ''],
    ['f', 'MY======'],
    ['fo', 'MZXQ===='],
    ['foo', 'MZXW6==='],
    ['foob', 'MZXW6YQ='],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI======'],
  ])('Base32 of %j, RFC 4648 section 10', (text, encoded) => {
    expect(encodeBase32(text)).toBe(encoded);
  });

  // Made with Python's base64, binascii and codecs modules.
  test.each([
    ['Base32', encodeBase32(PLAIN), 'KNSXMZLOEBQW2YTFOIQGWZLUORWGK4ZANB2W2IDCMVZWSZDFEB2GQZJAOF2WSZLUEBUGC4TCN5ZC4==='],
    ['ROT13', encodeRot13(PLAIN), 'Frira nzore xrggyrf uhz orfvqr gur dhvrg uneobe.'],
    ['Ascii85', encodeAscii85(Buffer.from(PLAIN)), String.raw`<~;e:,${'`'}DBNA)@V'R&CLqU0Ch7Z1BQ\/7@V'UpA7Zm*BOr<+F_PE/+D>2(@W-9>~>`],
    ['Ascii85 of zero bytes', encodeAscii85(Uint8Array.from([0, 0, 0, 0, 97, 98, 99])), '<~z@:E^~>'],
    ['uuencode', encodeUuencode(PLAIN), ['begin 644 message.txt', `M4V5V96X@86UB97(@:V5T=&QE<R!H=6T@8F5S:61E('1H92!Q=6EE="!H87)B`, '#;W(N', '`', 'end'].join('\n')],
    ['Morse', encodeMorse('Sos, 73.'), '... --- ... --..-- / --... ...-- .-.-.-'],
    ['Braille', encodeBraille('Hi there.'), '⠠⠓⠊ ⠞⠓⠑⠗⠑⠲'],
    ['leetspeak', encodeLeet('Toasties'), '70457135'],
    ['quoted-printable', encodeQuotedPrintable('a=é'), '=61=3D=C3=A9'],
    ['Unicode tags', encodeUnicodeTags('Hi'), '\u{E0048}\u{E0069}'],
  ])('%s', (_name, encoded, expected) => {
    expect(encoded).toBe(expected);
  });

  test('quoted-printable lines stay within 76 characters', () => {
    expect(Math.max(...encodeQuotedPrintable('x'.repeat(200)).split('\n').map((line) => line.length))).toBe(76);
  });
});

test.each(encodingProbes.map((probe) => [probe.id.split('.').at(-1) as CodecName, probe] as const))(
  'payloads of %s are read by a decoder that was written apart from it',
  (name, probe) => {
    const prompts = [...Iterator.from(probe.prompts(seededRandom(1), {})).take(50)];
    expect(prompts.map((prompt) => decodeText(name, prompt.notes['payload'] as string)?.toLowerCase())).toEqual(
      prompts.map((prompt) => (prompt.notes['plain_text'] as string).toLowerCase()),
    );
  },
);
