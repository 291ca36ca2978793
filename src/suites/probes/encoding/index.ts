import type { Probe } from '../contract.ts';
import { ascii85 } from './ascii85.ts';
import { base16 } from './base16.ts';
import { base32 } from './base32.ts';
import { base64 } from './base64.ts';
import { braille } from './braille.ts';
import { hex } from './hex.ts';
import { leet } from './leet.ts';
import { morse } from './morse.ts';
import { quotedPrintable } from './quoted-printable.ts';
import { rot13 } from './rot13.ts';
import { unicodeTags } from './unicode-tags.ts';
import { url } from './url.ts';
import { uuencode } from './uuencode.ts';

export const encodingProbes: readonly Probe[] = [
  base64,
  base32,
  base16,
  hex,
  rot13,
  ascii85,
  morse,
  braille,
  leet,
  url,
  quotedPrintable,
  uuencode,
  unicodeTags,
];
