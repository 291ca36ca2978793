import { parseJson } from '../core/index.ts';
import type { SseEvent } from './sse.ts';
import type { Framing, StreamDecoder } from './stream-reader.ts';
import { Utf8Decoder } from './utf8-decoder.ts';

/** Decodes newline-delimited JSON from bytes cut anywhere: each line that is not blank is an event. Lines end with LF or CRLF. */
class JsonLinesDecoder implements StreamDecoder {
  readonly #decoder = new Utf8Decoder();
  #line = '';

  push(bytes: Uint8Array): SseEvent[] {
    const text = this.#decoder.decode(bytes);
    const events: SseEvent[] = [];
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      const line = (this.#line + text.slice(from, end)).trim();
      if (line !== '') events.push({ event: undefined, data: line });
      this.#line = '';
      from = end + 1;
    }
    this.#line += text.slice(from);
    return events;
  }

  /** A last line without its line end. */
  pending(): SseEvent | undefined {
    const line = this.#line.trim();
    return line === '' ? undefined : { event: undefined, data: line };
  }
}

/** One JSON object a line, https://github.com/ndjson/ndjson-spec. A body whose first line is no JSON by itself is a whole one, e.g. printed over several lines. */
export const jsonLines: Framing = {
  decoder: () => new JsonLinesDecoder(),
  isStream: (text) => {
    const begun = text.trimStart();
    if (begun !== '' && !begun.startsWith('{')) return false;
    const end = begun.indexOf('\n');
    return end === -1 || parseJson(begun.slice(0, end)) !== undefined;
  },
};
