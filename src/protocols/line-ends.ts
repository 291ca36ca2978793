/** Finds line ends (LF, CR, and CRLF as two) from left to right. Few streams have carriage returns, so those are not looked for line by line. */
export class LineEnds {
  readonly #text: string;
  #carriageReturn: number;

  constructor(text: string) {
    this.#text = text;
    this.#carriageReturn = text.indexOf('\r');
  }

  /** The place of the next one at or after `from`, or -1. `from` must not decrease. */
  next(from: number): number {
    if (this.#carriageReturn !== -1 && this.#carriageReturn < from) this.#carriageReturn = this.#text.indexOf('\r', from);
    const lineFeed = this.#text.indexOf('\n', from);
    if (this.#carriageReturn === -1) return lineFeed;
    return lineFeed === -1 ? this.#carriageReturn : Math.min(lineFeed, this.#carriageReturn);
  }
}
