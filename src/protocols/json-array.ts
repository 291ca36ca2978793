import type { SseEvent } from './sse.ts';
import type { StreamDecoder } from './stream-reader.ts';
import { Utf8Decoder } from './utf8-decoder.ts';

/**
 * Decodes one JSON array from bytes cut anywhere: each object or array in it is an event as soon as it is closed. What stands between
 * them that is neither comma nor white space, or follows the array's end, is told once, as an event that nobody can read.
 */
export class JsonArrayDecoder implements StreamDecoder {
  readonly #decoder = new Utf8Decoder();
  /** 0 before and after the array, 1 between its members. */
  #depth = 0;
  #ended = false;
  #inString = false;
  #escaped = false;
  #member = '';
  #spoilt = false;

  push(bytes: Uint8Array): SseEvent[] {
    const text = this.#decoder.decode(bytes);
    const events: SseEvent[] = [];
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (code === BACKSLASH) this.#escaped = true;
        else if (code === QUOTE) this.#inString = false;
        continue;
      }
      if (this.#depth >= 2) {
        if (code === QUOTE) this.#inString = true;
        else if (code === BRACE || code === BRACKET) this.#depth += 1;
        else if ((code === CLOSING_BRACE || code === CLOSING_BRACKET) && --this.#depth === 1) {
          events.push({ event: undefined, data: this.#member + text.slice(from, at + 1) });
          this.#member = '';
        }
      } else if (this.#depth === 1 && (code === BRACE || code === BRACKET)) {
        this.#depth = 2;
        from = at;
      } else if (!this.#passOver(code) && !this.#spoilt) {
        this.#spoilt = true;
        events.push({ event: undefined, data: UNREADABLE });
      }
    }
    if (this.#depth >= 2) this.#member += text.slice(from);
    return events;
  }

  /** Members are given as soon as they are closed, so nothing waits. */
  pending(): undefined {
    return undefined;
  }

  /** Takes a sign of the array itself. */
  #passOver(code: number): boolean {
    if (code === BRACKET && this.#depth === 0 && !this.#ended) this.#depth = 1;
    else if (code === CLOSING_BRACKET && this.#depth === 1) {
      this.#depth = 0;
      this.#ended = true;
    } else return WHITE_SPACE.has(code) || (code === COMMA && this.#depth === 1);
    return true;
  }
}

const UNREADABLE = '?';
const QUOTE = 34;
const COMMA = 44;
const BRACKET = 91;
const BACKSLASH = 92;
const CLOSING_BRACKET = 93;
const BRACE = 123;
const CLOSING_BRACE = 125;
const WHITE_SPACE: ReadonlySet<number> = new Set([9, 10, 13, 32]);
