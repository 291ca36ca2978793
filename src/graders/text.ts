/** Typographic apostrophes and quotes as their ASCII forms: models write `can’t` as often as `can't`. */
export function plainQuotes(text: string): string {
  return text.replaceAll(/[\u2018\u2019\u02BC\u2032\uFF07`\u00B4]/g, "'").replaceAll(/[\u201C\u201D\u2033\uFF02]/g, '"');
}

/** Letters and digits alone, lower case, compatibility forms unified: what is left when layout is ignored. */
export function squeeze(text: string): string {
  return text.normalize('NFKC').toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '');
}

/** The words of a text: runs of letters, digits and inner apostrophes, lower case. */
export function words(text: string): string[] {
  return plainQuotes(text.normalize('NFKC')).toLowerCase().match(/[\p{L}\p{N}]+(?:'[\p{L}\p{N}]+)*/gu) ?? [];
}

/** A short, one-line quotation for a reason. */
export function quote(text: string, longest = 60): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const characters = Array.from(line);
  return `"${characters.length > longest ? `${characters.slice(0, longest - 1).join('')}…` : line}"`;
}

/** Text as a literal part of a regular expression with the `u` flag. */
export function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}
