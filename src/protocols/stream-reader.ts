import { parseJson } from '../core/index.ts';
import type { ResponseFacts, StreamReader } from './contract.ts';
import { serverSentEvents, type SseEvent } from './sse.ts';
import { Utf8Decoder } from './utf8-decoder.ts';

/** What a wire format makes of the events of its streams. State is plain data, so that it can be copied. */
export interface StreamDialect<State extends { started: boolean }> {
  newState(): State;
  /** Takes one event's JSON into the state; returns false where it is not of this format. */
  apply(state: State, data: unknown, event: string | undefined): boolean;
  /** Takes OpenAI's closing `[DONE]`. */
  done?(state: State): void;
  facts(state: State): ResponseFacts;
  /** Reads a whole body, for servers that answer a request for a stream with one. */
  readWhole(body: string): ResponseFacts;
}

/** Takes a stream's bytes, in pieces cut anywhere, and gives its events. */
export interface StreamDecoder {
  /** Takes the next bytes and returns the events that they complete. */
  push(bytes: Uint8Array): readonly SseEvent[];
  /** The event that has begun and is not known to be over; changes nothing. */
  pending(): SseEvent | undefined;
}

/** How events are told apart in a stream. */
export interface Framing {
  decoder(): StreamDecoder;
  /** Whether a text may be the beginning of such a stream, however short; else it is a whole body. */
  isStream(text: string): boolean;
}

/** `foreign` is JSON that is not of this format; `unreadable` is not JSON at all. */
type Reading = 'read' | 'skipped' | 'foreign' | 'unreadable';

/** Event types that keep a connection alive; their data need not be JSON. */
const KEEP_ALIVE = new Set(['ping', 'keepalive', 'keep-alive', 'heartbeat']);

/** Reads a streamed answer as its bytes pass, in any pieces, by the rules of one wire format. Never throws. */
export class DialectReader<State extends { started: boolean }> implements StreamReader {
  readonly #dialect: StreamDialect<State>;
  readonly #decoder: StreamDecoder;
  readonly #framing: Framing;
  #state: State;
  readonly #seen = new Set<Reading>();
  // Kept until the first event has come, in case this is no stream at all but a whole body.
  #body: { readonly decoder: Utf8Decoder; text: string } | undefined = { decoder: new Utf8Decoder(), text: '' };

  constructor(dialect: StreamDialect<State>, framing: Framing = serverSentEvents) {
    this.#dialect = dialect;
    this.#framing = framing;
    this.#decoder = framing.decoder();
    this.#state = dialect.newState();
  }

  get started(): boolean {
    return this.#state.started || this.#wholeBody !== undefined;
  }

  push(bytes: Uint8Array): void {
    if (this.#body !== undefined) this.#body.text += this.#body.decoder.decode(bytes);
    for (const event of this.#decoder.push(bytes)) {
      this.#seen.add(this.#take(this.#state, event));
    }
    if (this.#body !== undefined && this.#seen.size > 0 && (this.#seen.has('read') || this.#framing.isStream(this.#body.text))) this.#body = undefined;
  }

  facts(): ResponseFacts {
    const whole = this.#wholeBody;
    if (whole !== undefined) return this.#dialect.readWhole(whole);
    const state = this.#withPending();
    const facts = this.#dialect.facts(state ?? this.#state);
    // Events came, but none of this format; or one of them was not JSON although it had come to its end.
    const onlyForeign = this.#seen.has('foreign') && !this.#seen.has('read') && state === undefined;
    const malformed = this.#seen.has('unreadable') || onlyForeign;
    return malformed ? { ...facts, malformed, complete: false } : facts;
  }

  get #wholeBody(): string | undefined {
    const text = this.#body?.text;
    return text === undefined || this.#framing.isStream(text) ? undefined : text;
  }

  /** The state as it is if the stream ends here: with an event whose blank line never came, where that is whole. */
  #withPending(): State | undefined {
    const pending = this.#decoder.pending();
    if (pending === undefined) return undefined;
    if (pending.data.trim() !== '[DONE]' && parseJson(pending.data) === undefined) return undefined;
    try {
      const copy = structuredClone(this.#state);
      return this.#take(copy, pending) === 'read' ? copy : undefined;
    } catch {
      // Nested deeper than can be copied, so no honest answer.
      return undefined;
    }
  }

  #take(state: State, event: SseEvent): Reading {
    const text = event.data.trim();
    if (text === '' || KEEP_ALIVE.has(event.event ?? '')) return 'skipped';
    if (text === '[DONE]') {
      this.#dialect.done?.(state);
      return 'read';
    }
    const data = parseJson(text);
    if (data === undefined) return 'unreadable';
    return this.#dialect.apply(state, data, event.event) ? 'read' : 'foreign';
  }
}
