import { stripVTControlCharacters } from 'node:util';

/** Columns of a terminal; some have none to tell (0), e.g. one that a CI job made without a size. */
export function columnsOf({ columns }: { readonly columns?: number }, otherwise: number): number {
  return columns !== undefined && columns > 0 ? columns : otherwise;
}

/** Characters a text takes in a terminal, colours left out. Scripts of double width count once: they cost a cut at worst. */
export function visibleLength(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

/** Cuts a coloured line to a terminal's width; colours are closed where something was cut. */
export function cutToWidth(line: string, width: number): string {
  if (visibleLength(line) <= width) return line;
  let shown = 0;
  let result = '';
  // eslint-disable-next-line no-control-regex -- colour sequences are kept whole
  for (const [piece] of line.matchAll(/\u001B\[[0-9;]*m|./gsu)) {
    if (piece.startsWith('\u001B')) {
      result += piece;
    } else if (shown < width - 1) {
      result += piece;
      shown++;
    } else {
      break;
    }
  }
  return `${result}…${result.includes('\u001B') ? '\u001B[0m' : ''}`;
}
