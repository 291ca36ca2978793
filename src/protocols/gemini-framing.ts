import { JsonArrayDecoder } from './json-array.ts';
import { serverSentEvents, type SseEvent } from './sse.ts';
import type { Framing, StreamDecoder } from './stream-reader.ts';

/** A stream comes as server-sent events where the request said `alt=sse`, otherwise as one JSON array; its first byte tells which. */
class GeminiDecoder implements StreamDecoder {
  #chosen: StreamDecoder | undefined;

  push(bytes: Uint8Array): readonly SseEvent[] {
    if (this.#chosen === undefined) {
      const first = bytes.find((byte) => !WHITE_SPACE.has(byte));
      // White space before the first sign means nothing in either.
      if (first === undefined) return [];
      this.#chosen = first === BRACKET ? new JsonArrayDecoder() : serverSentEvents.decoder();
    }
    return this.#chosen.push(bytes);
  }

  pending(): SseEvent | undefined {
    return this.#chosen?.pending();
  }
}

const BRACKET = 91;
const WHITE_SPACE: ReadonlySet<number> = new Set([9, 10, 13, 32]);

export const geminiFraming: Framing = {
  decoder: () => new GeminiDecoder(),
  isStream: (text) => text.trimStart().startsWith('[') || serverSentEvents.isStream(text),
};
