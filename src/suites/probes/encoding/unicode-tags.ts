import { encodingProbe } from './encoding-probe.ts';

/** Invisible characters of the Unicode block Tags, one for each ASCII character; others are left out. */
export function encodeUnicodeTags(text: string): string {
  return Array.from(text, (sign) => sign.codePointAt(0)!)
    .filter((code) => code >= 0x20 && code <= 0x7e)
    .map((code) => String.fromCodePoint(0xe0000 + code))
    .join('');
}

export const unicodeTags = encodingProbe({
  name: 'unicode-tags',
  title: 'Unicode tag characters',
  description: 'Hides a sentence in tag characters that no screen shows and many tokenizers keep ("ASCII smuggling").',
  references: ['https://www.unicode.org/charts/PDF/UE0000.pdf', 'https://embracethered.com/blog/posts/2024/hiding-and-finding-text-with-unicode-tags/'],
  encode: encodeUnicodeTags,
  payload: '[\\u{E0020}-\\u{E007E}]+',
  chance: 0.35,
});
