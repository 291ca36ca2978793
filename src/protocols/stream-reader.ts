import { parseJson } from '../core/index.ts';
import type { ResponseFacts, StreamReader } from './contract.ts';
import { SseDecoder, type SseEvent } from './sse.ts';

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

/** `foreign` is JSON that is not of this format; `unreadable` is not JSON at all. */
type Reading = 'read' | 'skipped' | 'foreign' | 'unreadable';

/** Event types that keep a connection alive; their data need not be JSON. */
const KEEP_ALIVE = new Set(['ping', 'keepalive', 'keep-alive', 'heartbeat']);

/** A beginning of a stream of events, however short. */
const EVENT_STREAM = /^\s*(?:$|:|(?:data|event|id|retry)\s*(?:$|[:\r\n])|(?:d|da|dat|e|ev|eve|even|i|r|re|ret|retr)$)/;

/** Reads a streamed answer as its bytes pass, in any pieces, by the rules of one wire format. Never throws. */
export class SseStreamReader<State extends { started: boolean }> implements StreamReader {
  readonly #dialect: StreamDialect<State>;
  readonly #decoder = new SseDecoder();
  #state: State;
  readonly #seen = new Set<Reading>();
  // Kept until the first event that can be read, in case this is no stream at all but a whole body.
  #body: { readonly decoder: InstanceType<typeof TextDecoder>; text: string } | undefined = { decoder: new TextDecoder(), text: '' };

  constructor(dialect: StreamDialect<State>) {
    this.#dialect = dialect;
    this.#state = dialect.newState();
  }

  get started(): boolean {
    return this.#state.started || this.#wholeBody !== undefined;
  }

  push(bytes: Uint8Array): void {
    if (this.#body !== undefined) this.#body.text += this.#body.decoder.decode(bytes, { stream: true });
    for (const event of this.#decoder.push(bytes)) {
      this.#seen.add(this.#take(this.#state, event));
    }
    if (this.#seen.has('read')) this.#body = undefined;
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
    return text === undefined || EVENT_STREAM.test(text) ? undefined : text;
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
