import { describe, expect, it } from 'vitest';
import { BRAILLE_LETTERS, MORSE } from './codec-tables.ts';
import { CODEC_NAMES, type CodecName, decodeText, isCodecName } from './codecs.ts';

const letterOf = (table: Readonly<Record<string, string>>): Record<string, string> => Object.fromEntries(Object.entries(table).map(([sign, letter]) => [letter, sign]));
const morseOf = letterOf(MORSE);
const brailleOf = letterOf(BRAILLE_LETTERS);

// Encoded by other programs than the one under test: Python's codecs, base64 and binascii modules.
const KNOWN: readonly [CodecName, string, string][] = [
  ['base64', 'SGVsbG8sIHdvcmxkIQ==', 'Hello, world!'],
  ['base64', 'SGVsbG8s IHdvcmxk\nIQ', 'Hello, world!'],
  ['base64', 'w6TDtsO8', 'äöü'],
  ['base32', 'JBSWY3DPFQQHO33SNRSCC===', 'Hello, world!'],
  ['base16', '48656C6C6F', 'Hello'],
  ['hex', '48 65 6c 6c 6f', 'Hello'],
  ['hex', '0x48 0x65', 'He'],
  ['rot13', 'Uryyb, jbeyq!', 'Hello, world!'],
  ['ascii85', '87cURD_*#TDfTZ)+T', 'Hello, world!'],
  ['ascii85', '<~87cURD_*#TDfTZ)+T~>', 'Hello, world!'],
  ['morse', '.... . .-.. .-.. --- / .-- --- .-. .-.. -..', 'hello world'],
  ['morse', '.... .\n.-.. .-..', 'he ll'],
  ['braille', '⠓⠑⠇⠇⠕ ⠺⠕⠗⠇⠙', 'hello world'],
  ['braille', '⠠⠓⠊⠀⠼⠁⠃', 'Hi 12'],
  ['leet', 'h3ll0 w0r1d', 'hello worid'],
  ['url', 'Hello%2C%20world%21', 'Hello, world!'],
  ['quoted-printable', 'caf=C3=A9 =3D =\nlong', 'café = long'],
  ['uuencode', '-2&5L;&\\L(\'=O<FQD(0', 'Hello, world!'],
  ['uuencode', 'begin 644 x\n-2&5L;&\\L(\'=O<FQD(0  \n`\nend', 'Hello, world!'],
  ['unicode-tags', Array.from('Hello', (sign) => String.fromCodePoint(0xe0000 + sign.charCodeAt(0))).join(''), 'Hello'],
  ['reverse', '!dlrow ,olleH', 'Hello, world!'],
];

describe('decodeText', () => {
  it.each(KNOWN)('reads %s %j', (codec, encoded, plain) => {
    expect(decodeText(codec, encoded)).toBe(plain);
  });

  it.each([
    ['base64', 'not base64!'],
    ['base64', '//79'],
    ['base32', '018!'],
    ['hex', 'abc'],
    ['hex', 'zz'],
    ['ascii85', 'vwxyz~'],
    ['ascii85', 's8W-"s8W-"!'],
    ['morse', 'hello'],
    ['braille', '⣿⣿'],
    ['url', '%E0%A4%A'],
    ['quoted-printable', '=ZZ'],
    ['unicode-tags', 'plain'],
  ] as const)('gives up on %s %j rather than making something up', (codec, encoded) => {
    expect(decodeText(codec, encoded)).toBeUndefined();
  });

  it('has a codec for every name that playbooks may use, and no other', () => {
    expect(CODEC_NAMES).toEqual(['base64', 'base32', 'base16', 'hex', 'rot13', 'ascii85', 'morse', 'braille', 'leet', 'url', 'quoted-printable', 'uuencode', 'unicode-tags', 'reverse']);
    expect(isCodecName('toString')).toBe(false);
  });

  it('reads every letter of its Morse and Braille tables', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    expect(decodeText('morse', Array.from(letters, (letter) => morseOf[letter]).join(' '))).toBe(letters);
    expect(decodeText('braille', Array.from(letters, (letter) => brailleOf[letter]).join(''))).toBe(letters);
  });
});
