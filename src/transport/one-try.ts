import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { request, type Dispatcher } from 'undici';
import { describeError, newId, type CallStatus, type Clock } from '../core/index.ts';
import { currentScope, type Ledger, type OpenCall, type PriceTable } from '../ledger/index.ts';
import type { Limiter, Reservation } from '../limiter/index.ts';
import { readRateFacts, type Protocol, type RateFacts, type RequestFacts, type ResponseFacts, type StreamReader } from '../protocols/index.ts';
import { bookedUsage } from './estimate-usage.ts';
import { fateOf, type Breakage } from './fate.ts';
import type { OutgoingCall } from './outgoing-call.ts';

export interface TryDeps {
  readonly limiter: Limiter;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly dispatcher: Dispatcher;
  readonly prices: PriceTable;
}

/** What is the same for every try of a logical call. */
export interface PreparedCall {
  readonly call: OutgoingCall;
  readonly logicalId: string;
  readonly protocol: Protocol;
  readonly request: RequestFacts;
  readonly body: string;
  readonly promptTokens: number;
  readonly countTokens: (text: string) => number;
}

/** How one try ended, as it stands in the ledger. */
export interface TryEnd {
  readonly callId: string;
  readonly status: CallStatus;
  readonly httpStatus: number | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly facts: ResponseFacts | undefined;
  readonly rate: RateFacts | undefined;
  /** Milliseconds from sending to settling. */
  readonly flightMs: number;
  readonly error: string | null;
}

/** Which try of its logical call this is. */
export interface TryNumber {
  readonly retry: number;
  /** Earlier tries that were not turned away by a limit: a simulator draws its faults anew for each, whatever the timing. */
  readonly served: number;
}

const DEFAULT_TIMEOUT_MS = 120_000;
const LONGEST_BODY_BYTES = 64 * 1024 * 1024;

/**
 * Admit, commit the intent, send, read, settle, record: one physical call and its one ledger row.
 * Returns how it ended, whatever its fate; throws only what keeps it from leaving (limiter, budget, store).
 */
export async function oneTry(deps: TryDeps, prepared: PreparedCall, { retry, served }: TryNumber): Promise<TryEnd> {
  const { call, request: asked } = prepared;
  const { clock, limiter, prices } = deps;
  const queuedAt = clock.now();
  const reservation = await limiter.admit({
    deployment: call.deployment,
    promptTokens: prepared.promptTokens,
    maxOutputTokens: asked.maxOutput === undefined ? undefined : asked.maxOutput * asked.generations,
    ...(call.budgets === undefined ? {} : { budgets: call.budgets }),
    usdFor: (promptTokens, outputTokens) =>
      prices.costOf(asked.model ?? null, {
        inputFresh: promptTokens,
        cacheRead: undefined,
        cacheWrite: undefined,
        outputText: outputTokens,
        reasoning: undefined,
        source: 'estimated',
      }) ?? undefined,
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  });
  try {
    const open = await deps.ledger.open({
      id: newId(),
      logicalId: prepared.logicalId,
      retry,
      scope: currentScope(),
      target: call.target,
      deployment: reservation.deployment,
      protocol: prepared.protocol.name,
      modelAsked: asked.model ?? null,
      stream: asked.stream,
      simulated: call.simulated,
      queuedAt: Math.round(queuedAt),
      sentAt: Math.round(clock.now()),
      waitedMs: Math.round(reservation.waitedMs),
      reservedTokens: reservation.promptTokens + reservation.outputTokens,
    });
    return await send(deps, prepared, open, reservation, served);
  } finally {
    reservation.release();
  }
}

async function send(deps: TryDeps, prepared: PreparedCall, open: OpenCall, reservation: Reservation, served: number): Promise<TryEnd> {
  const { request: asked, protocol } = prepared;
  const { clock, limiter, prices } = deps;
  const sentAt = clock.now();
  const flight = new Flight(protocol, asked);
  const breakage = await flight.fly(deps, prepared, open, served);
  const endedAt = clock.now();

  const facts = flight.facts();
  const status = fateOf(flight.httpStatus, facts, breakage);
  const usage = bookedUsage(status, flight.httpStatus, facts, prepared.promptTokens, prepared.countTokens);
  const header = (name: string): string | undefined => flight.headers[name];
  const rate = flight.httpStatus === null ? undefined : readRateFacts(header, endedAt);
  const costUsd = prices.costOf(facts?.model ?? null, usage) ?? prices.costOf(asked.model ?? null, usage);
  const error = status === 'ok' ? null : errorText(status, flight, facts);

  reservation.settle(usedOf(status, usage, costUsd), status === 'ok' || status === 'blocked' ? 'answered' : status === 'rate_limited' ? 'limited' : 'failed');
  if (rate !== undefined) limiter.observe({ deployment: reservation.deployment, sentAt, limited: status === 'rate_limited', rate });
  await open.settle({
    status,
    httpStatus: flight.httpStatus,
    modelAnswered: facts?.model ?? null,
    usage,
    costUsd,
    firstTokenMs: flight.firstTokenAt === undefined ? null : Math.round(flight.firstTokenAt - sentAt),
    totalMs: Math.round(endedAt - sentAt),
    finishReason: facts?.answers[0]?.finishReason ?? null,
    requestId: header('x-request-id') ?? header('request-id') ?? header('apim-request-id') ?? facts?.requestId ?? null,
    error,
  });
  return {
    callId: open.intent.id,
    status,
    httpStatus: flight.httpStatus,
    headers: flight.headers,
    body: flight.text(),
    facts,
    rate,
    flightMs: endedAt - sentAt,
    error,
  };
  function usedOf(fate: CallStatus, booked: typeof usage, cost: number | null): Parameters<Reservation['settle']>[0] {
    if (booked.source !== 'unknown') {
      return {
        promptTokens: (booked.inputFresh ?? 0) + (booked.cacheRead ?? 0) + (booked.cacheWrite ?? 0),
        outputTokens: (booked.outputText ?? 0) + (booked.reasoning ?? 0),
        costUsd: cost ?? undefined,
      };
    }
    // A refused call used nothing; one that broke on the way may have been served and billed, so its reservation stands.
    const refused = fate === 'rate_limited' || fate === 'http_error' || fate === 'blocked' || flight.neverLeft;
    return refused ? { promptTokens: 0, outputTokens: 0, costUsd: 0 } : { promptTokens: undefined, outputTokens: undefined, costUsd: undefined };
  }
}

/** The HTTP exchange of one try: what came back, and where it broke. */
class Flight {
  httpStatus: number | null = null;
  headers: Record<string, string> = {};
  firstTokenAt: number | undefined;
  failure: unknown;
  /** The connection was refused before a byte was sent. */
  neverLeft = false;
  readonly #protocol: Protocol;
  readonly #asked: RequestFacts;
  readonly #chunks: Uint8Array[] = [];
  #reader: StreamReader | undefined;
  #text: string | undefined;

  constructor(protocol: Protocol, asked: RequestFacts) {
    this.#protocol = protocol;
    this.#asked = asked;
  }

  /** Sends and reads to the end. Returns how it broke, or `undefined` where it came back whole. */
  async fly(deps: TryDeps, prepared: PreparedCall, open: OpenCall, served: number): Promise<Breakage | undefined> {
    const { call } = prepared;
    const abort = new AbortController();
    let breakage: Breakage | undefined;
    const onAbort = (): void => {
      breakage ??= 'aborted';
      abort.abort(call.signal?.reason);
    };
    if (call.signal?.aborted === true) return 'aborted';
    call.signal?.addEventListener('abort', onAbort, { once: true });
    const cancelTimer = deps.clock.after(call.timeoutMs ?? DEFAULT_TIMEOUT_MS, () => {
      breakage ??= 'timeout';
      abort.abort(new Error(`no whole answer within ${call.timeoutMs ?? DEFAULT_TIMEOUT_MS} ms`));
    });
    try {
      const response = await request(call.url, {
        method: call.method,
        headers: call.simulated ? { ...call.headers, 'x-assay-call': open.intent.id, 'x-assay-retry': String(served) } : call.headers,
        body: prepared.body,
        signal: abort.signal,
        dispatcher: deps.dispatcher,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      this.httpStatus = response.statusCode;
      for (const [name, value] of Object.entries(response.headers)) {
        if (value !== undefined) this.headers[name] = Array.isArray(value) ? value.join(', ') : value;
      }
      await this.#read(response.body, deps.clock);
      return breakage;
    } catch (error) {
      this.failure = error;
      this.neverLeft = this.httpStatus === null && isConnectFailure(error);
      return breakage ?? 'connection';
    } finally {
      cancelTimer();
      call.signal?.removeEventListener('abort', onAbort);
    }
  }

  async #read(body: AsyncIterable<Uint8Array>, clock: Clock): Promise<void> {
    const plain = this.headers['content-encoding'] === undefined || this.headers['content-encoding'] === 'identity';
    const streamed = this.headers['content-type']?.includes('text/event-stream') ?? this.#asked.stream;
    if (streamed && this.httpStatus !== null && this.httpStatus < 400) this.#reader = this.#protocol.streamReader({ generations: this.#asked.generations });
    let size = 0;
    for await (const chunk of body) {
      size += chunk.length;
      if (size > LONGEST_BODY_BYTES) throw new Error(`the answer is larger than ${LONGEST_BODY_BYTES} bytes`);
      this.#chunks.push(chunk);
      if (plain) this.#reader?.push(chunk);
      if (this.#reader === undefined || this.#reader.started) this.firstTokenAt ??= clock.now();
    }
    if (!plain) this.#reader?.push(this.#bytes());
  }

  /** The facts of what came, or `undefined` where no response head did. */
  facts(): ResponseFacts | undefined {
    if (this.httpStatus === null) return undefined;
    return this.#reader?.facts() ?? this.#protocol.readResponse(this.httpStatus, this.text());
  }

  text(): string {
    this.#text ??= new TextDecoder().decode(this.#bytes());
    return this.#text;
  }

  #bytes(): Uint8Array {
    const raw = Buffer.concat(this.#chunks);
    try {
      switch (this.headers['content-encoding']) {
        case 'gzip':
        case 'x-gzip':
          return gunzipSync(raw);
        case 'br':
          return brotliDecompressSync(raw);
        case 'deflate':
          return inflateSync(raw);
        case 'zstd':
          return zstdDecompressSync(raw);
        default:
          return raw;
      }
    } catch {
      return raw;
    }
  }
}

function isConnectFailure(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(code);
}

function errorText(status: CallStatus, flight: Flight, facts: ResponseFacts | undefined): string {
  const said = facts?.error?.message ?? facts?.blockReason ?? (flight.failure === undefined ? undefined : describeError(flight.failure));
  const head = flight.httpStatus === null ? status : `HTTP ${flight.httpStatus}`;
  return said === undefined || said === '' ? `${head} (${status})` : `${head}: ${said}`.slice(0, 2_000);
}
