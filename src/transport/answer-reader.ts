import type { Clock } from '../core/index.ts';
import type { Protocol, RequestFacts, ResponseFacts, StreamReader } from '../protocols/index.ts';
import { UnreadableBodyError } from './decode-body.ts';

const LONGEST_ANSWER_BYTES = 64 * 1024 * 1024;
/** Of an error answer only the beginning is of use. */
const LONGEST_ERROR_BYTES = 1024 * 1024;

const decoder = new TextDecoder();

/** Reads one answer as it comes: its head, then its decoded bytes, cut anywhere. */
export class AnswerReader {
  httpStatus: number | null = null;
  headers: Readonly<Record<string, string>> = {};
  firstTokenAt: number | undefined;
  readonly #protocol: Protocol;
  readonly #asked: RequestFacts;
  readonly #clock: Clock;
  readonly #keepsStreams: boolean;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #reader: StreamReader | undefined;
  #text: string | undefined;

  /**
   * @param keepsStreams whether the text of a stream is kept too; what is forwarded as it comes need not be
   */
  constructor(protocol: Protocol, asked: RequestFacts, clock: Clock, { keepsStreams }: { readonly keepsStreams: boolean }) {
    this.#protocol = protocol;
    this.#asked = asked;
    this.#clock = clock;
    this.#keepsStreams = keepsStreams;
  }

  get failed(): boolean {
    return this.httpStatus !== null && this.httpStatus >= 300;
  }

  /** Whether the answer is read as a stream. */
  get streamed(): boolean {
    return this.#reader !== undefined;
  }

  head(httpStatus: number, headers: Readonly<Record<string, string>>): void {
    this.httpStatus = httpStatus;
    this.headers = headers;
    // Some servers label their streams as something else; a stream reader also reads a whole body.
    const streamed = this.#asked.stream || (headers['content-type'] ?? '').toLowerCase().includes('text/event-stream');
    if (streamed && !this.failed) this.#reader = this.#protocol.streamReader({ generations: this.#asked.generations });
  }

  /** Says that the answer's body has begun, where what it says can only be read later. */
  began(): void {
    this.firstTokenAt ??= this.#clock.now();
  }

  /**
   * @returns whether more is of use: of a long error answer it is not
   * @throws UnreadableBodyError for an answer too large to be held
   */
  push(chunk: Uint8Array): boolean {
    this.#size += chunk.length;
    if (this.failed && this.#size > LONGEST_ERROR_BYTES) return false;
    if (this.#reader === undefined || this.#keepsStreams) {
      if (this.#size > LONGEST_ANSWER_BYTES) throw new UnreadableBodyError(`the answer is larger than ${LONGEST_ANSWER_BYTES} bytes`);
      this.#chunks.push(chunk);
    }
    this.#reader?.push(chunk);
    // Asked until it is so and no more: a body that is no stream is looked at anew each time.
    if (this.firstTokenAt === undefined && (this.#reader === undefined || this.#reader.started)) this.firstTokenAt = this.#clock.now();
    return true;
  }

  /** The facts of what came, or `undefined` where no response head did. */
  facts(): ResponseFacts | undefined {
    if (this.httpStatus === null) return undefined;
    return this.#reader?.facts() ?? this.#protocol.readResponse(this.httpStatus, this.text());
  }

  /** The decoded body, as far as it was kept. */
  text(): string {
    this.#text ??= decoder.decode(this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks));
    return this.#text;
  }
}
