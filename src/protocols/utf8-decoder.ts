/**
 * Decodes UTF-8 from bytes cut anywhere, also inside a character. Bytes that are not UTF-8 become U+FFFD; a byte order mark at the start is
 * dropped.
 */
export class Utf8Decoder {
  // It takes the mark away itself: whether the platform's does depends on where the bytes are cut.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #atStart = true;
  /** The last bytes may be the beginning of a character. */
  #inCharacter = false;

  decode(bytes: Uint8Array): string {
    const last = bytes.at(-1);
    if (last === undefined) return '';
    const text = this.#inCharacter || last >= FIRST_BEYOND_ASCII ? this.#decoder.decode(bytes, { stream: true }) : whole(bytes);
    this.#inCharacter = last >= FIRST_BEYOND_ASCII;
    if (!this.#atStart || text === '') return text;
    this.#atStart = false;
    return text.startsWith('\ufeff') ? text.slice(1) : text;
  }
}

const FIRST_BEYOND_ASCII = 0x80;

/** Several times as fast as decoding piece by piece, and most pieces end with a line. */
function whole(bytes: Uint8Array): string {
  return (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).toString();
}
