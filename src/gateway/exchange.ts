import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Clock } from '../core/index.ts';
import { failureCode, inTheBooks, neverLeaves, UnreadableBodyError, type AnswerReader, type BrokenOff, type UsageChunkFilter } from '../transport/index.ts';
import { DecodedCopy } from './decoded-copy.ts';
import { ClientGoneError, type ClientConnection } from './client-connection.ts';
import { forwardedHeaders, type HeadersOut } from './response-headers.ts';

export interface ExchangeOptions {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  readonly method: string;
  readonly headers: readonly string[];
  readonly body: Buffer | string | Readable | null;
  /** Longest silence of the upstream. */
  readonly idleTimeoutMs: number;
  readonly client: ClientConnection;
  /** Headers added to the answer's. */
  readonly added: HeadersOut;
  /** Reads along; absent for what is not counted. */
  readonly reader?: AnswerReader;
  /** Takes the chunk of usage that nobody but us asked for out of a stream. */
  readonly filter?: UsageChunkFilter;
  /** Whether a stream was asked for: it is never held. */
  readonly streams: boolean;
  /** The client takes trailers. */
  readonly trailers: boolean;
  readonly clock: Clock;
}

/** A whole answer up to this size is held until it has come, so that its figures can stand in its head. */
const MOST_HELD = 1024 * 1024;
/** No longer than this after its head, in ms: some servers send blanks to keep a slow answer's connection alive. */
const LONGEST_HELD_MS = 1_000;

export const TOKEN_HEADERS = ['x-assay-tokens-prompt', 'x-assay-tokens-completion', 'x-assay-tokens-total'] as const;

/** One request on its way to an upstream, and its answer on the way back. Never retried. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions;
  #resolve: (broken: BrokenOff) => void = () => {};
  #ended = false;
  #controller: Dispatcher.DispatchController | undefined;
  #status: number | undefined;
  #headers: IncomingHttpHeaders = {};
  #held: Uint8Array[] | undefined;
  #heldSize = 0;
  #headAt = 0;
  #clientFull = false;
  #copyFull = false;
  #copy: DecodedCopy | undefined;
  /** The client gets what the copy decodes, not what came. */
  #decodes = false;
  #reads = true;
  #whole = false;
  #unreadable: unknown;
  #trailers: IncomingHttpHeaders = {};

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#reads = options.reader !== undefined;
  }

  /** Whether the answer came to its end, readable or not. */
  get whole(): boolean {
    return this.#whole;
  }

  /** Sends the request and forwards the answer; resolves once the upstream's part is over, however it ended. Never rejects. */
  run(): Promise<BrokenOff> {
    const { client, dispatcher, origin, path, method, headers, body, idleTimeoutMs } = this.#options;
    return new Promise((resolve) => {
      this.#resolve = resolve;
      if (client.gone) return this.#end({ breakage: 'aborted', failure: undefined, neverLeft: true });
      client.onGone((reason) => this.#clientGone(reason));
      dispatcher.dispatch({ origin, path, method, headers: headers as string[], body, headersTimeout: idleTimeoutMs, bodyTimeout: idleTimeoutMs, ...inTheBooks }, this);
    });
  }

  /** Gives the client the end of its answer. */
  finish(tokens: HeadersOut): void {
    const { client } = this.#options;
    if (this.#held !== undefined) {
      const body = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held, this.#heldSize);
      const empty = this.#heldSize === 0 && (this.#options.method === 'HEAD' || this.#status === 204 || this.#status === 304);
      client.head(this.#status!, { ...this.#head(), ...tokens, ...(empty ? {} : { 'content-length': String(this.#heldSize) }) });
      this.#held = undefined;
      return client.end(body);
    }
    if (this.#options.trailers && client.response.chunkedEncoding && !client.gone) client.response.addTrailers({ ...forwardedHeaders(this.#trailers), ...tokens });
    client.end();
  }

  /** Forgets an answer that broke before any of it was forwarded. */
  drop(): void {
    this.#held = undefined;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended) controller.abort(new ClientGoneError('the client went away'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Interim answers say nothing that a client waits for.
    if (status < 200 || this.#ended) return;
    const { reader, client } = this.#options;
    this.#status = status;
    this.#headers = headers;
    this.#headAt = this.#options.clock.now();
    reader?.head(status, flat(headers));
    this.#prepareCopy(status, headers['content-encoding']);
    if (reader !== undefined && !this.#isStream(status, headers['content-type'])) {
      this.#held = [];
      return;
    }
    this.#flow();
    process.nextTick(() => client.flushHead());
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return;
    if (this.#copy === undefined) this.#read(chunk);
    else if (!this.#copy.write(chunk, this.#onCopyDrained)) {
      this.#copyFull = true;
      this.#controller?.pause();
    }
    if (!this.#decodes) this.#forward(chunk);
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#ended) return;
    this.#trailers = trailers;
    if (this.#copy === undefined) return this.#wholeAnswer();
    this.#copy.end(
      () => this.#wholeAnswer(),
      (error) => this.#copyFailed(error),
    );
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const code = failureCode(error);
    const timedOut = code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT';
    const broken: BrokenOff = { breakage: timedOut ? 'timeout' : 'connection', failure: error, neverLeft: this.#status === undefined && neverLeaves(code) };
    // What came before the break is still on its way through the decoder.
    if (this.#copy === undefined || this.#ended) return this.#end(broken);
    this.#copy.end(
      () => this.#end(broken),
      () => this.#end(broken),
    );
  }

  #clientGone(reason: ClientGoneError): void {
    this.#end({ breakage: 'aborted', failure: reason, neverLeft: this.#controller === undefined });
    this.#controller?.abort(reason);
  }

  #isStream(status: number, type: string | undefined): boolean {
    if (status >= 300) return false;
    return this.#options.streams || (type !== undefined && /event-stream|ndjson|jsonl|json-seq/i.test(type));
  }

  /** A compressed answer is decoded to be read; the client gets it as it came, unless some of it must be taken out. */
  #prepareCopy(status: number, encoding: string | undefined): void {
    if (encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity' || this.#options.reader === undefined) return;
    this.#decodes = this.#options.filter !== undefined && status < 300;
    try {
      this.#copy = new DecodedCopy(encoding, (plain) => {
        if (this.#ended) return;
        this.#read(plain);
        if (this.#decodes) this.#forward(plain);
      });
    } catch (error) {
      this.#decodes = false;
      this.#cannotRead(error);
    }
  }

  #read(plain: Uint8Array): void {
    if (!this.#reads) return;
    try {
      this.#reads = this.#options.reader!.push(plain);
    } catch (error) {
      this.#cannotRead(error);
    }
  }

  /** That we cannot read an answer does not keep it from the client. */
  #cannotRead(error: unknown): void {
    this.#reads = false;
    this.#unreadable = error instanceof Error ? error : new UnreadableBodyError(String(error));
  }

  #copyFailed(error: Error): void {
    this.#cannotRead(error);
    if (this.#decodes) return this.#end({ breakage: 'unreadable', failure: error, neverLeft: false });
    this.#wholeAnswer();
  }

  #wholeAnswer(): void {
    const { filter } = this.#options;
    this.#whole = true;
    if (filter !== undefined && this.#held === undefined) this.#write(filter.end());
    this.#end({ breakage: this.#unreadable === undefined ? undefined : 'unreadable', failure: this.#unreadable, neverLeft: false });
  }

  #forward(bytes: Uint8Array): void {
    if (this.#held !== undefined) {
      this.#held.push(bytes);
      this.#heldSize += bytes.length;
      if (this.#heldSize > MOST_HELD || this.#options.clock.now() - this.#headAt > LONGEST_HELD_MS) this.#stopHolding();
      return;
    }
    this.#write(this.#options.filter !== undefined && this.#status! < 300 ? this.#options.filter.push(bytes) : bytes);
  }

  #stopHolding(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#flow();
    for (const bytes of held) this.#write(bytes);
  }

  #flow(): void {
    const trailer = this.#options.trailers && this.#options.reader !== undefined ? { trailer: TOKEN_HEADERS.join(', ') } : {};
    this.#options.client.head(this.#status!, { ...this.#head(), ...(trailer.trailer === undefined || this.#headers['content-length'] !== undefined ? {} : trailer) });
  }

  #head(): HeadersOut {
    const omit = [...(this.#options.filter === undefined ? [] : ['content-length']), ...(this.#decodes ? ['content-encoding'] : [])];
    return { ...forwardedHeaders(this.#headers, { omit }), ...this.#options.added };
  }

  #write(bytes: Uint8Array): void {
    if (this.#options.client.write(bytes, this.#onClientDrained)) return;
    this.#clientFull = true;
    if (this.#decodes) this.#copy?.pause();
    else this.#controller?.pause();
  }

  #onClientDrained = (): void => {
    this.#clientFull = false;
    if (this.#decodes) this.#copy?.resume();
    this.#goOn();
  };

  #onCopyDrained = (): void => {
    this.#copyFull = false;
    this.#goOn();
  };

  #goOn(): void {
    if (!this.#copyFull && (this.#decodes || !this.#clientFull)) this.#controller?.resume();
  }

  #end(broken: BrokenOff): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#copy?.destroy();
    this.#options.client.onGone(undefined);
    this.#resolve(broken);
  }
}

function flat(headers: IncomingHttpHeaders): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) out[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return out;
}
