import type { ServerResponse } from 'node:http';
import { type Clock, type Random, seededRandom } from '../core/index.ts';
import type { Decision } from './decide.ts';
import type { Reply } from './reply.ts';
import { type HiddenReason, NO_TOKENS, type ServedRequest, type ServedTokens } from './served.ts';
import { breakJson, breakStream, cutBody, cutStream } from './spoil.ts';
import type { Tally } from './stats.ts';
import type { Tokenizer } from './tokenizer.ts';
import { errorBody, idHeaders } from './wire/dialect.ts';
import type { Endpoint, Frame, WireFormat } from './wire/format.ts';
import { type Dialect, problemStatus } from './wire/problem.ts';

/** What sending draws on. */
export interface ExchangeContext {
  readonly seed: number;
  readonly clock: Clock;
  readonly tokenizer: Tokenizer;
  readonly tally: Tally;
  readonly hangMs: number;
  /** Writes a request down where it outlives this process. */
  readonly log: (served: ServedRequest) => void;
}

/** What is to be sent, and to whom. */
export interface Outgoing {
  readonly requestId: string;
  readonly dialect: Dialect;
  readonly endpoint: Endpoint | null;
  readonly format: WireFormat | undefined;
  /** The `x-assay-call` header. */
  readonly call: string | null;
  readonly decision: Decision;
}

/** The sending of one answer: waits, writes it down, sends it, and corrects the books if the client leaves. */
export class Exchange {
  readonly #outgoing: Outgoing;
  readonly #response: ServerResponse;
  readonly #context: ExchangeContext;
  #recorded: ServedRequest | undefined;
  /** Set once a fault has broken the answer: what closes then is not the client leaving. */
  #broken = false;
  #cancelTimer: (() => void) | undefined;
  /** Answer text handed over so far, while a stream is under way. */
  #delivered: string | undefined;

  constructor(outgoing: Outgoing, response: ServerResponse, context: ExchangeContext) {
    this.#outgoing = outgoing;
    this.#response = response;
    this.#context = context;
    response.once('close', () => this.#closed());
  }

  run(): void {
    const { delayMs, fault } = this.#outgoing.decision;
    if (delayMs <= 0 || fault === 'timeout' || fault === 'reset') this.#answer();
    else this.#after(delayMs, () => this.#answer());
  }

  #answer(): void {
    const { dialect, requestId, format, decision } = this.#outgoing;
    const { problem, answer, listing } = decision;
    if (problem !== undefined) {
      const status = problemStatus(problem, dialect);
      this.#record({ status, outcome: problem.kind === 'rate_limited' ? 'rate_limited' : 'error' });
      this.#send(status, JSON.stringify(errorBody(problem, dialect, requestId)));
    } else if (answer !== undefined && answer.ask.stream && format?.frames !== undefined) {
      this.#stream(answer.reply, format.frames(answer.reply, answer.ask, dialect), answer.ask.streamUsage);
    } else if (answer !== undefined && format !== undefined) {
      this.#whole(answer.reply, JSON.stringify(format.whole(answer.reply, answer.ask, dialect)));
    } else if (listing !== undefined) {
      this.#record({ status: 200, outcome: 'ok' });
      this.#send(200, JSON.stringify(listing));
    } else {
      this.#withhold();
    }
  }

  /** No answer at all: the connection hangs, or is reset. */
  #withhold(): void {
    this.#broken = true;
    if (this.#outgoing.decision.fault === 'timeout') {
      this.#record({ outcome: 'hung' });
      this.#after(this.#context.hangMs, () => this.#response.destroy());
    } else {
      this.#record({ outcome: 'reset' });
      this.#response.socket?.resetAndDestroy();
    }
  }

  #whole(reply: Reply, body: string): void {
    const { fault } = this.#outgoing.decision;
    const tokens = this.#tokensOf(reply);
    if (fault === 'cut') {
      this.#record({ status: 200, outcome: 'cut', hidden: 'cut', ...tokens });
      this.#response.writeHead(200, this.#headers('application/json', body));
      this.#breakOff(cutBody(body, this.#spoiling()));
    } else if (fault === 'malformed') {
      this.#record({ status: 200, outcome: 'malformed', hidden: 'malformed', ...tokens });
      this.#send(200, breakJson(body, this.#spoiling()));
    } else {
      this.#record({ status: 200, outcome: 'ok', hidden: reply.showUsage ? null : 'missing_usage', ...tokens });
      this.#send(200, body);
    }
  }

  #stream(reply: Reply, frames: readonly Frame[], usageAsked: boolean): void {
    const { fault } = this.#outgoing.decision;
    const tokens = this.#tokensOf(reply);
    let planned = frames;
    let silent = true;
    if (fault === 'cut') {
      this.#record({ status: 200, outcome: 'cut', hidden: 'cut', ...tokens });
      ({ frames: planned, silent } = cutStream(frames, this.#spoiling()));
    } else if (fault === 'malformed') {
      this.#record({ status: 200, outcome: 'malformed', hidden: 'malformed', ...tokens });
      planned = breakStream(frames, this.#spoiling());
    } else {
      const hidden: HiddenReason | null = reply.showUsage ? (usageAsked ? null : 'not_asked') : 'missing_usage';
      this.#record({ status: 200, outcome: 'ok', hidden, ...tokens });
    }
    this.#response.writeHead(200, this.#headers('text/event-stream; charset=utf-8'));
    this.#delivered = '';
    this.#sendFrames(planned, 0, (last) => {
      if (silent) this.#response.end(last);
      else this.#breakOff(last);
    });
  }

  /** Sends frames from `from` on: all in one write, or up to one piece of text at a time where the profile keeps a pace. */
  #sendFrames(frames: readonly Frame[], from: number, finish: (last: string) => void): void {
    const pieceMs = this.#outgoing.decision.profile?.pieceMs ?? 0;
    let to = frames.length;
    if (pieceMs > 0) {
      const piece = frames.findIndex(({ delta }, index) => index >= from && delta !== undefined);
      if (piece !== -1 && frames.some(({ delta }, index) => index > piece && delta !== undefined)) to = piece + 1;
    }
    const batch = frames.slice(from, to);
    const bytes = batch.map((frame) => frame.bytes).join('');
    this.#delivered += batch.map(({ delta }) => delta ?? '').join('');
    if (to === frames.length) return finish(bytes);
    const next = (): void => this.#after(pieceMs, () => this.#sendFrames(frames, to, finish));
    // A client that does not read holds its own stream up, not our memory.
    if (this.#response.write(bytes)) next();
    else this.#response.once('drain', next);
  }

  /** Sends a last piece and then tears the connection down. */
  #breakOff(last: string): void {
    this.#broken = true;
    this.#response.write(last, () => this.#response.destroy());
  }

  #send(status: number, body: string): void {
    this.#response.writeHead(status, this.#headers('application/json', body));
    this.#response.end(body);
  }

  #headers(type: string, body?: string): Record<string, string | number> {
    const { requestId, dialect, decision } = this.#outgoing;
    const length: Record<string, string | number> = body === undefined ? { 'cache-control': 'no-cache' } : { 'content-length': Buffer.byteLength(body) };
    return { 'content-type': type, ...length, ...idHeaders(requestId, dialect), ...decision.headers, 'x-assay-simulated': '1' };
  }

  #spoiling(): Random {
    const { answer, retry } = this.#outgoing.decision;
    return seededRandom('spoil', this.#context.seed, answer?.ask.system ?? '', answer?.ask.user ?? '', answer?.ask.turn ?? 0, retry ?? 0);
  }

  #tokensOf({ usage }: Reply): ServedTokens {
    // Counting a prompt's tokens uses none.
    if (this.#outgoing.endpoint === 'messages.count_tokens') return NO_TOKENS;
    return {
      prompt_tokens: usage.prompt,
      completion_tokens: usage.completion,
      reasoning_tokens: usage.reasoning,
      cached_tokens: usage.cacheRead,
      cache_write_tokens: usage.cacheWrite,
      total_tokens: usage.prompt + usage.completion,
    };
  }

  #record(ended: Partial<ServedRequest> & Pick<ServedRequest, 'outcome'>): void {
    const { requestId, endpoint, call, decision } = this.#outgoing;
    const served: ServedRequest = {
      request_id: requestId,
      at: Math.floor(this.#context.clock.now()),
      endpoint,
      model: decision.model,
      stream: decision.answer?.ask.stream ?? false,
      status: null,
      fault: decision.fault ?? null,
      hidden: null,
      call,
      retry: decision.retry,
      ...NO_TOKENS,
      ...ended,
    };
    this.#recorded = served;
    this.#context.tally.add(served);
    this.#context.log(served);
  }

  #after(ms: number, callback: () => void): void {
    this.#cancelTimer = this.#context.clock.after(ms, callback);
  }

  /** The response is over, by its end, by a fault, or because the client left. */
  #closed(): void {
    this.#cancelTimer?.();
    this.#outgoing.decision.release?.();
    this.#context.tally.left();
    if (this.#broken || this.#response.writableFinished) return;
    const before = this.#recorded;
    if (before === undefined) return this.#record({ outcome: 'aborted' });
    if (before.outcome === 'rate_limited' || before.outcome === 'error') return;
    const after: ServedRequest = { ...before, ...this.#tokensUntilNow(before), outcome: 'aborted', hidden: 'aborted', amends: true };
    this.#context.tally.replace(before, after);
    this.#context.log(after);
  }

  /** Tokens served when the client left: of a stream, those that were on their way. */
  #tokensUntilNow(whole: ServedTokens): Partial<ServedTokens> {
    if (this.#delivered === undefined) return {};
    const completion = Math.min(whole.completion_tokens, this.#context.tokenizer.count(this.#delivered) + whole.reasoning_tokens);
    return { completion_tokens: completion, total_tokens: whole.prompt_tokens + completion };
  }
}
