import { request, type Dispatcher } from 'undici';
import type { Clock } from '../core/index.ts';
import type { Protocol, RequestFacts, ResponseFacts, StreamReader } from '../protocols/index.ts';
import { decoded, isDecodingError, UnreadableBodyError } from './decode-body.ts';
import { failureCode, neverLeaves } from './failure.ts';
import type { Breakage } from './fate.ts';

/** What goes out. */
export interface Departure {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const LONGEST_ANSWER_BYTES = 64 * 1024 * 1024;
/** Of an error answer only the beginning is of use. */
const LONGEST_ERROR_BYTES = 1024 * 1024;

/** The HTTP exchange of one try: what came back, and where it broke. */
export class Flight {
  httpStatus: number | null = null;
  headers: Record<string, string> = {};
  firstTokenAt: number | undefined;
  failure: unknown;
  /** It ended before a byte was sent. */
  neverLeft = false;
  readonly #protocol: Protocol;
  readonly #asked: RequestFacts;
  readonly #clock: Clock;
  readonly #chunks: Uint8Array[] = [];
  #reader: StreamReader | undefined;
  #text: string | undefined;

  constructor(protocol: Protocol, asked: RequestFacts, clock: Clock) {
    this.#protocol = protocol;
    this.#asked = asked;
    this.#clock = clock;
  }

  /** Sends and reads to the end. Returns how it broke, or `undefined` where it came back whole. Never rejects. */
  async fly({ url, method, headers, body, timeoutMs, signal }: Departure, dispatcher: Dispatcher): Promise<Breakage | undefined> {
    if (signal.aborted) {
      this.neverLeft = true;
      return 'aborted';
    }
    const abort = new AbortController();
    let breakage: Breakage | undefined;
    const end = (why: Breakage, reason: unknown): void => {
      breakage ??= why;
      abort.abort(reason);
    };
    const onAbort = (): void => end('aborted', signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const cancelTimer = this.#clock.after(timeoutMs, () => end('timeout', new Error(`no whole answer within ${timeoutMs} ms`)));
    try {
      const response = await request(url, { method, headers, body, signal: abort.signal, dispatcher, headersTimeout: 0, bodyTimeout: 0 });
      this.httpStatus = response.statusCode;
      for (const [name, value] of Object.entries(response.headers)) {
        if (value !== undefined) this.headers[name] = Array.isArray(value) ? value.join(', ') : value;
      }
      await this.#read(response.body, response.statusCode);
      return breakage;
    } catch (error) {
      this.failure = error;
      this.neverLeft = this.httpStatus === null && neverLeaves(failureCode(error));
      return breakage ?? (error instanceof UnreadableBodyError || isDecodingError(error) ? 'unreadable' : 'connection');
    } finally {
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #read(body: Dispatcher.ResponseData['body'], httpStatus: number): Promise<void> {
    const failed = httpStatus >= 300;
    // Some servers label their streams as something else; a stream reader also reads a whole body.
    const streamed = this.#asked.stream || (this.headers['content-type'] ?? '').toLowerCase().includes('text/event-stream');
    if (streamed && !failed) this.#reader = this.#protocol.streamReader({ generations: this.#asked.generations });
    let size = 0;
    for await (const chunk of this.#decoded(body)) {
      size += chunk.length;
      if (failed && size > LONGEST_ERROR_BYTES) break;
      if (size > LONGEST_ANSWER_BYTES) throw new UnreadableBodyError(`the answer is larger than ${LONGEST_ANSWER_BYTES} bytes`);
      this.#chunks.push(chunk);
      this.#reader?.push(chunk);
      if (this.#reader === undefined || this.#reader.started) this.firstTokenAt ??= this.#clock.now();
    }
  }

  #decoded(body: Dispatcher.ResponseData['body']): AsyncIterable<Uint8Array> {
    try {
      return decoded(body, this.headers['content-encoding']);
    } catch (error) {
      body.on('error', () => undefined).destroy();
      throw error;
    }
  }

  /** The facts of what came, or `undefined` where no response head did. */
  facts(): ResponseFacts | undefined {
    if (this.httpStatus === null) return undefined;
    return this.#reader?.facts() ?? this.#protocol.readResponse(this.httpStatus, this.text());
  }

  text(): string {
    this.#text ??= new TextDecoder().decode(Buffer.concat(this.#chunks));
    return this.#text;
  }
}
