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
export class SseDecoder {
  // A byte order mark is dropped by the text decoder itself.
  readonly #decoder = new TextDecoder();
  #line = '';
  #afterCarriageReturn = false;
  #event: string | undefined;
  #data: string[] = [];

  /** Takes the next bytes and returns the events that they complete. */
  push(bytes: Uint8Array): SseEvent[] {
    const text = this.#decoder.decode(bytes, { stream: true });
    const events: SseEvent[] = [];
    let from = 0;
    while (from < text.length) {
      if (this.#afterCarriageReturn) {
        this.#afterCarriageReturn = false;
        if (text.charCodeAt(from) === LINE_FEED) {
          from += 1;
          continue;
        }
      }
      const end = lineEnd(text, from);
      if (end === -1) {
        this.#line += text.slice(from);
        break;
      }
      const event = this.#endLine(this.#line + text.slice(from, end));
      if (event !== undefined) events.push(event);
      this.#line = '';
      this.#afterCarriageReturn = text.charCodeAt(end) === CARRIAGE_RETURN;
      from = end + 1;
    }
    return events;
  }

  /** The event that has begun but has no blank line after it yet, its last line possibly cut; changes nothing. */
  pending(): SseEvent | undefined {
    const fields = { event: this.#event, data: [...this.#data] };
    readField(this.#line, fields);
    return fields.data.length === 0 ? undefined : { event: fields.event, data: fields.data.join('\n') };
  }

  #endLine(line: string): SseEvent | undefined {
    if (line !== '') {
      const fields = { event: this.#event, data: this.#data };
      readField(line, fields);
      this.#event = fields.event;
      return undefined;
    }
    const event = this.#data.length === 0 ? undefined : { event: this.#event, data: this.#data.join('\n') };
    this.#event = undefined;
    this.#data = [];
    return event;
  }
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

const LINE_BREAK = /[\r\n]/g;

function lineEnd(text: string, from: number): number {
  LINE_BREAK.lastIndex = from;
  return LINE_BREAK.exec(text)?.index ?? -1;
}

function readField(line: string, fields: { event: string | undefined; readonly data: string[] }): void {
  const colon = line.indexOf(':');
  const name = colon === -1 ? line : line.slice(0, colon);
  if (name !== 'data' && name !== 'event') return;
  const value = colon === -1 ? '' : line.slice(line.charAt(colon + 1) === ' ' ? colon + 2 : colon + 1);
  if (name === 'data') fields.data.push(value);
  else fields.event = value === '' ? undefined : value;
}
