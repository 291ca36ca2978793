import { LineEnds } from './line-ends.ts';
import type { Framing, StreamDecoder } from './stream-reader.ts';
import { Utf8Decoder } from './utf8-decoder.ts';

/** One server-sent event: its type, where it names one, and its data lines joined by newlines. */
export interface SseEvent {
  readonly event: string | undefined;
  readonly data: string;
}

/**
 * Decodes server-sent events from bytes cut anywhere: inside a character, a line ending or an event. Lines end with
 * LF, CR or CRLF; comments, ids, retry times and unknown fields are dropped, as is an event without data. Bytes that
 * are not UTF-8 become U+FFFD. Never throws.
 *
 * Unlike a browser's, it can tell what a stream that ended without its last blank line was about to deliver
 * (`pending`): some servers leave that line out.
 *
 * Source: WHATWG HTML, "Server-sent events", parsing an event stream.
 */
export class SseDecoder implements StreamDecoder {
  readonly #decoder = new Utf8Decoder();
  #line = '';
  #afterCarriageReturn = false;
  #event: string | undefined;
  /** Data lines so far, joined; `undefined` before the first. */
  #data: string | undefined;

  /** Takes the next bytes and returns the events that they complete. */
  push(bytes: Uint8Array): SseEvent[] {
    const text = this.#decoder.decode(bytes);
    const events: SseEvent[] = [];
    if (text === '') return events;
    let from = this.#afterCarriageReturn && text.startsWith('\n') ? 1 : 0;
    this.#afterCarriageReturn = false;
    const lines = new LineEnds(text);
    for (let end = lines.next(from); end !== -1; end = lines.next(from)) {
      const line = this.#line === '' ? text.slice(from, end) : this.#line + text.slice(from, end);
      this.#line = '';
      if (line !== '') this.#readField(line);
      else this.#endEvent(events);
      from = text.startsWith('\r\n', end) ? end + 2 : end + 1;
    }
    if (from < text.length) this.#line += text.slice(from);
    else this.#afterCarriageReturn = text.endsWith('\r');
    return events;
  }

  /** The event that has begun but has no blank line after it yet, its last line possibly cut; changes nothing. */
  pending(): SseEvent | undefined {
    const data = valueOf(this.#line, 'data');
    const event = valueOf(this.#line, 'event');
    if (data === undefined && this.#data === undefined) return undefined;
    return {
      event: event === undefined ? this.#event : nonEmpty(event),
      data: data === undefined ? this.#data! : this.#data === undefined ? data : `${this.#data}\n${data}`,
    };
  }

  #readField(line: string): void {
    const data = valueOf(line, 'data');
    if (data !== undefined) {
      this.#data = this.#data === undefined ? data : `${this.#data}\n${data}`;
      return;
    }
    const event = valueOf(line, 'event');
    if (event !== undefined) this.#event = nonEmpty(event);
  }

  #endEvent(events: SseEvent[]): void {
    if (this.#data !== undefined) events.push({ event: this.#event, data: this.#data });
    this.#event = undefined;
    this.#data = undefined;
  }
}

/** The value of the field that a line holds, or `undefined` where it is another field, a comment or nothing. */
function valueOf(line: string, name: string): string | undefined {
  if (!line.startsWith(name)) return undefined;
  const colon = name.length;
  if (line.length === colon) return '';
  if (line.charCodeAt(colon) !== COLON) return undefined;
  return line.slice(line.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1);
}

const COLON = 58;
const SPACE = 32;

function nonEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}

/** A beginning of a stream of events, however short. */
const EVENT_STREAM = /^\s*(?:$|:|(?:data|event|id|retry)\s*(?:$|[:\r\n])|(?:d|da|dat|e|ev|eve|even|i|r|re|ret|retr)$)/;

export const serverSentEvents: Framing = {
  decoder: () => new SseDecoder(),
  isStream: (text) => EVENT_STREAM.test(text),
};
