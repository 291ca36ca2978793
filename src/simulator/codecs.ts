import { isUtf8 } from 'node:buffer';
import { BRAILLE_CAPITAL_SIGN, BRAILLE_LETTERS, BRAILLE_NUMBER_SIGN, BRAILLE_PUNCTUATION, LEET, MORSE } from './codec-tables.ts';

/** Turns encoded text back into plain text, or `undefined` where it is not text in that encoding. */
type Decoder = (encoded: string) => string | undefined;

const DECODERS = {
  base64: (text) => {
    const compact = text.replaceAll(/\s/g, '');
    return /^[A-Za-z0-9+/_-]+={0,2}$/.test(compact) ? utf8(Buffer.from(compact, 'base64')) : undefined;
  },
  base32,
  base16: hex,
  hex,
  rot13: (text) =>
    text.replaceAll(/[a-z]/gi, (letter) => {
      const first = letter <= 'Z' ? 65 : 97;
      return String.fromCharCode(((letter.charCodeAt(0) - first + 13) % 26) + first);
    }),
  ascii85,
  morse,
  braille,
  leet: (text) => Array.from(text.toLowerCase(), (sign) => LEET[sign] ?? sign).join(''),
  url: (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return undefined;
    }
  },
  'quoted-printable': quotedPrintable,
  uuencode,
  'unicode-tags': unicodeTags,
  reverse: (text) => Array.from(text).toReversed().join(''),
} satisfies Record<string, Decoder>;

export type CodecName = keyof typeof DECODERS;

/** Names that `{decode:CODEC:GROUP}` accepts. */
export const CODEC_NAMES = Object.keys(DECODERS) as CodecName[];

export function isCodecName(name: string): name is CodecName {
  return Object.hasOwn(DECODERS, name);
}

/** Decodes text as a model would: whitespace and missing padding are forgiven, nonsense gives `undefined`. */
export function decodeText(codec: CodecName, encoded: string): string | undefined {
  return DECODERS[codec](encoded);
}

function utf8(bytes: Uint8Array): string | undefined {
  return bytes.length > 0 && isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : undefined;
}

function hex(text: string): string | undefined {
  const compact = text.replaceAll(/0x|\\x|[\s:]/gi, '');
  return /^(?:[0-9a-f]{2})+$/i.test(compact) ? utf8(Buffer.from(compact, 'hex')) : undefined;
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function base32(text: string): string | undefined {
  const compact = text.replaceAll(/\s/g, '').replace(/=+$/, '').toUpperCase();
  if (!/^[A-Z2-7]+$/.test(compact)) return undefined;
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const sign of compact) {
    value = ((value << 5) | BASE32.indexOf(sign)) & 0xffff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >>> bits) & 0xff);
  }
  return utf8(Uint8Array.from(bytes));
}

/** Adobe's and btoa's alphabet, with or without `<~ ~>`, with `z` for four zero bytes. */
function ascii85(text: string): string | undefined {
  const compact = text.replaceAll(/\s/g, '').replace(/^<~/, '').replace(/~>$/, '').replaceAll('z', '!!!!!');
  if (!/^[!-u]+$/.test(compact) || compact.length % 5 === 1) return undefined;
  const bytes: number[] = [];
  for (let start = 0; start < compact.length; start += 5) {
    const group = compact.slice(start, start + 5);
    let value = 0;
    for (const sign of group.padEnd(5, 'u')) value = value * 85 + sign.charCodeAt(0) - 33;
    if (value > 0xffff_ffff) return undefined;
    for (let index = 0; index < group.length - 1; index++) bytes.push(Math.floor(value / 256 ** (3 - index)) % 256);
  }
  return utf8(Uint8Array.from(bytes));
}

/** Letters are parted by blanks, words by `/`, a line's end or several blanks. Unknown signs make it unreadable. */
function morse(text: string): string | undefined {
  const plainSigns = text.trim().replaceAll(/[·•]/g, '.').replaceAll(/[–—_]/g, '-');
  const words = plainSigns.split(/\s*[/|\n]\s*|\s{2,}/).filter((word) => word !== '');
  const plain = words.map((word) => word.split(/\s+/).map((sign) => MORSE[sign] ?? '\u0000').join(''));
  return plain.length === 0 || plain.some((word) => word.includes('\u0000')) ? undefined : plain.join(' ');
}

function braille(text: string): string | undefined {
  let plain = '';
  let number = false;
  let capital = false;
  for (const cell of text.trim()) {
    if (cell === BRAILLE_NUMBER_SIGN) number = true;
    else if (cell === BRAILLE_CAPITAL_SIGN) capital = true;
    else {
      const letter = BRAILLE_LETTERS[cell];
      if (letter === undefined) {
        const sign = BRAILLE_PUNCTUATION[cell] ?? (/[\x20-\x7e]/.test(cell) ? cell : undefined);
        if (sign === undefined) return undefined;
        number = number && !/\s/.test(sign);
        plain += sign;
      } else if (number && letter <= 'j') {
        plain += String((letter.charCodeAt(0) - 96) % 10);
      } else {
        number = false;
        plain += capital ? letter.toUpperCase() : letter;
      }
      capital = false;
    }
  }
  return plain === '' ? undefined : plain;
}

function quotedPrintable(text: string): string | undefined {
  const joined = text.replaceAll(/=[ \t]*\r?\n/g, '');
  if (/=(?![0-9a-f]{2})/i.test(joined)) return undefined;
  const bytes = joined.split(/(=[0-9a-f]{2})/i).map((part) => (/^=[0-9a-f]{2}$/i.test(part) ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part)));
  return utf8(Buffer.concat(bytes));
}

/** Whole files (`begin … end`) or bare lines; each line starts with its length. */
function uuencode(text: string): string | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !/^begin \d+|^end\s*$/.test(line));
  const bytes: number[] = [];
  for (const line of lines) {
    const length = (line.charCodeAt(0) - 32) & 63;
    if (length === 0) continue;
    const signs = line.slice(1).padEnd(Math.ceil(length / 3) * 4, ' ');
    if (!/^[ -`]+$/.test(line) || line.trimEnd().length - 1 > Math.ceil(length / 3) * 4 + 1) return undefined;
    const decoded: number[] = [];
    for (let start = 0; start + 3 < signs.length; start += 4) {
      const [a = 0, b = 0, c = 0, d = 0] = Array.from(signs.slice(start, start + 4), (sign) => (sign.charCodeAt(0) - 32) & 63);
      decoded.push(((a << 2) | (b >> 4)) & 255, ((b << 4) | (c >> 2)) & 255, ((c << 6) | d) & 255);
    }
    bytes.push(...decoded.slice(0, length));
  }
  return utf8(Uint8Array.from(bytes));
}

const TAG_OFFSET = 0xe0000;

/** Invisible tag characters (U+E0020 … U+E007E) that mirror ASCII; all other characters are passed over. */
function unicodeTags(text: string): string | undefined {
  const plain = Array.from(text)
    .map((sign) => (sign.codePointAt(0) ?? 0) - TAG_OFFSET)
    .filter((code) => code >= 0x20 && code <= 0x7e)
    .map((code) => String.fromCodePoint(code))
    .join('');
  return plain === '' ? undefined : plain;
}
