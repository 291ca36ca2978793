import { isObject, parseJson } from '../core/index.ts';
import { LineEnds } from '../protocols/index.ts';

/** No chunk of usage is nearly so long; what is longer is not held back. In bytes. */
const LONGEST_HELD = 32 * 1024;

/** An empty list, or one that goes on in the next line. Without it no event can be a chunk of usage. */
const EMPTY_LIST = /\[[\t ]*[\]\r\n]/;

/** A `choices` that has a member: the event is none of ours, whatever else it holds. */
const HAS_CHOICE = /"choices"\s*:\s*\[\s*[^\s\]]/;

const NOTHING = new Uint8Array(0);

/**
 * Takes the event that only carries usage out of a streamed chat completion as its bytes pass, for a caller who did not ask for it: many
 * clients read `choices[0]` of every chunk. That is the server-sent event whose JSON has a `usage` object and an empty `choices`. All other
 * bytes pass as they are, in order. An event is held back only while it may still be that one: until its data turns out to be no object, or
 * to have a choice, or it ends; a comment never is.
 *
 * What comes out is the same however the bytes are cut. Bytes must not be compressed.
 */
export class UsageChunkFilter {
  // Text here is bytes read as Latin-1, so that places in it are places in the bytes; JSON's own signs are ASCII.
  /** The beginning of the event that is under way, as far as it came with earlier pieces and is not decided. */
  #held = '';
  /** The event under way is decided: the rest of it passes. */
  #passes = false;
  /** The line under way began with an earlier piece. */
  #inLine = false;
  #afterCarriageReturn = false;
  /** The last line ended an event that was left out. */
  #dropped = false;

  /** Takes the next bytes and returns what may go out now; that may be the same array, or an empty one. */
  push(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return NOTHING;
    const text = latin1(bytes);
    if (this.#held === '' && !this.#afterCarriageReturn && text.endsWith('\n\n') && !EMPTY_LIST.test(text)) {
      // By far the most: events that are whole, and none of them ours.
      this.#passes = false;
      this.#inLine = false;
      return bytes;
    }
    const out: Uint8Array[] = [];
    // Bytes before it have gone out, or are dropped or held.
    let sent = 0;
    let eventStart = 0;
    let lineStart = 0;
    if (this.#afterCarriageReturn && text.startsWith('\n')) {
      lineStart = 1;
      // The second half of the blank line of an event that is done shares its fate.
      if (this.#dropped) sent = 1;
      if (this.#held === '' && !this.#passes) eventStart = 1;
    }
    this.#afterCarriageReturn = false;
    const lines = new LineEnds(text);
    for (let end = lines.next(lineStart); end !== -1; end = lines.next(lineStart)) {
      const blank = end === lineStart && !this.#inLine;
      const next = text.startsWith('\r\n', end) ? end + 2 : end + 1;
      this.#dropped = false;
      if (blank || (!this.#passes && this.#charAt(text, eventStart) === ':')) {
        this.#dropped = blank && !this.#passes && isUsageChunk(this.#held + text.slice(eventStart, end));
        if (this.#dropped) {
          out.push(bytes.subarray(sent, eventStart));
          sent = next;
        } else if (this.#held !== '') out.push(Buffer.from(this.#held, 'latin1'));
        this.#held = '';
        this.#passes = false;
        eventStart = next;
      }
      this.#inLine = false;
      lineStart = next;
    }
    if (lineStart < text.length) this.#inLine = true;
    else if (text.endsWith('\r')) this.#afterCarriageReturn = true;

    if (!this.#passes && eventStart < text.length) {
      const begun = this.#held + text.slice(eventStart);
      if (mayBeUsageChunk(begun)) {
        out.push(bytes.subarray(sent, eventStart));
        sent = bytes.length;
        this.#held = begun;
      } else {
        if (this.#held !== '') out.push(Buffer.from(this.#held, 'latin1'));
        this.#held = '';
        this.#passes = true;
      }
    }
    if (sent === 0 && out.length === 0) return bytes;
    out.push(bytes.subarray(sent));
    return joined(out);
  }

  /** Returns what is still held back; call once, after the last push. A chunk of usage without its blank line is left out. */
  end(): Uint8Array {
    const held = this.#held;
    this.#held = '';
    return held === '' || isUsageChunk(held) ? NOTHING : Buffer.from(held, 'latin1');
  }

  /** The first character of the event under way. */
  #charAt(text: string, eventStart: number): string {
    return this.#held === '' ? text.charAt(eventStart) : this.#held.charAt(0);
  }
}

function isUsageChunk(event: string): boolean {
  if (event.length > LONGEST_HELD || !EMPTY_LIST.test(event)) return false;
  const data = dataOf(event);
  if (HAS_CHOICE.test(data)) return false;
  const chunk = parseJson(data);
  return isObject(chunk) && isObject(chunk['usage']) && Array.isArray(chunk['choices']) && chunk['choices'].length === 0;
}

/** Whether an event that has begun so can become a chunk of usage. Once it cannot, it cannot however it goes on. */
function mayBeUsageChunk(begun: string): boolean {
  if (begun.length > LONGEST_HELD) return false;
  const data = dataOf(begun).trimStart();
  return data === '' || (data.startsWith('{') && !HAS_CHOICE.test(data));
}

/** The data lines of an event, or of the beginning of one, joined. */
function dataOf(event: string): string {
  const data: string[] = [];
  for (const line of event.replace(BYTE_ORDER_MARK, '').split(/\r\n|\r|\n/)) if (line.startsWith('data:')) data.push(line.slice(line.charAt(5) === ' ' ? 6 : 5));
  return data.join('\n');
}

/** UTF-8's, read as Latin-1. It may stand before the first line of a stream. */
const BYTE_ORDER_MARK = /^\u00ef\u00bb\u00bf/;

function latin1(bytes: Uint8Array): string {
  return (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).toString('latin1');
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const filled = pieces.filter((piece) => piece.length > 0);
  return filled.length === 1 ? filled[0]! : filled.length === 0 ? NOTHING : Buffer.concat(filled);
}
