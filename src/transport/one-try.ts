import type { Dispatcher } from 'undici';
import { completionTokens, newId, promptTokens, UsageError, type CallStatus, type Clock, type Usage } from '../core/index.ts';
import { currentScope, type Ledger, type OpenCall, type PriceTable } from '../ledger/index.ts';
import type { Limiter, Reservation } from '../limiter/index.ts';
import { readRateFacts, type Protocol, type RateFacts, type RequestFacts, type ResponseFacts } from '../protocols/index.ts';
import { errorText } from './error-text.ts';
import { bookedUsage } from './estimate-usage.ts';
import { fateOf, impliedStatus } from './fate.ts';
import { Flight } from './flight.ts';
import type { OutgoingCall } from './outgoing-call.ts';

export interface TryDeps {
  readonly limiter: Pick<Limiter, 'admit' | 'observe'>;
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
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly promptTokens: number;
  readonly countTokens: (text: string) => number;
  /** Ends the call, whoever wants it ended. */
  readonly signal: AbortSignal;
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
  /** What broke the exchange, if anything did. */
  readonly failure: unknown;
  readonly error: string | null;
}

/** Which try of its logical call this is. */
export interface TryNumber {
  readonly retry: number;
  /** Earlier tries that were not turned away by a limit: a simulator draws its faults anew for each, whatever the timing. */
  readonly served: number;
  /** Longest pause asked for by the provider that is waited out, in ms. */
  readonly patienceMs: number;
  /** Called once the call is admitted; what it throws keeps the call from leaving. */
  readonly mayLeave: () => void;
}

const DEFAULT_TIMEOUT_MS = 120_000;

/**
 * Admit, commit the intent, send, read, settle, record: one physical call and its one ledger row.
 * Returns how it ended, whatever its fate; throws only what keeps it from leaving (limiter, budget) or from being recorded (store).
 */
export async function oneTry(deps: TryDeps, prepared: PreparedCall, { retry, served, patienceMs, mayLeave }: TryNumber): Promise<TryEnd> {
  const { call, request: asked } = prepared;
  const { clock, prices } = deps;
  const queuedAt = clock.now();
  const reservation = await deps.limiter.admit({
    deployment: call.deployment,
    promptTokens: prepared.promptTokens,
    maxOutputTokens: asked.maxOutput === undefined ? undefined : asked.maxOutput * asked.generations,
    retry,
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
    signal: prepared.signal,
    ...(call.drain === undefined ? {} : { drain: call.drain }),
    longestPauseMs: patienceMs,
  });
  try {
    // A fallback names another bucket than the one this request goes to: sent, it would be booked where it was not made.
    if (reservation.deployment !== call.deployment) {
      throw new UsageError({ code: 'config', message: `the quota of ${call.deployment} falls back to ${reservation.deployment}, which this request does not go to`, hint: 'set onExhausted to stop or wait' });
    }
    mayLeave();
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
  const { call, request: asked, protocol, body, signal } = prepared;
  const { clock, prices } = deps;
  const headers = call.simulated ? { ...prepared.headers, 'x-assay-call': open.intent.id, 'x-assay-retry': String(served) } : prepared.headers;
  reservation.left();
  const sentAt = clock.now();
  const flight = new Flight(protocol, asked, clock);
  const breakage = await flight.fly({ url: call.url, method: call.method, headers, body, timeoutMs: call.timeoutMs ?? DEFAULT_TIMEOUT_MS, signal }, deps.dispatcher);
  const endedAt = clock.now();

  const { httpStatus, failure } = flight;
  const facts = flight.facts();
  const status = fateOf(httpStatus, facts, breakage);
  const usage = bookedUsage(status, httpStatus, facts, prepared.promptTokens, prepared.countTokens);
  const header = (name: string): string | undefined => flight.headers[name];
  const rate = httpStatus === null ? undefined : readRateFacts(header, endedAt);
  const costUsd = prices.costOf(facts?.model ?? null, usage) ?? prices.costOf(asked.model ?? null, usage);
  const error = status === 'ok' ? null : errorText(status, { httpStatus, headers: flight.headers, facts, failure }, { url: call.url, headers });

  const limited = status === 'rate_limited' && impliedStatus(httpStatus, facts?.error) === 429;
  if (rate !== undefined) deps.limiter.observe({ deployment: reservation.deployment, sentAt, limited, rate });
  reservation.settle(usedBy({ status, httpStatus, neverLeft: flight.neverLeft }, usage, costUsd), settleOutcome(status));
  await open.settle({
    status,
    httpStatus,
    modelAnswered: facts?.model ?? null,
    usage,
    costUsd,
    firstTokenMs: flight.firstTokenAt === undefined ? null : Math.round(flight.firstTokenAt - sentAt),
    totalMs: Math.round(endedAt - sentAt),
    finishReason: facts?.answers[0]?.finishReason ?? null,
    requestId: header('x-request-id') ?? header('request-id') ?? header('apim-request-id') ?? facts?.requestId ?? null,
    error,
  });
  return { callId: open.intent.id, status, httpStatus, headers: flight.headers, body: flight.text(), facts, rate, flightMs: endedAt - sentAt, failure, error };
}

function settleOutcome(status: CallStatus): Parameters<Reservation['settle']>[1] {
  if (status === 'ok' || status === 'blocked') return 'answered';
  return status === 'rate_limited' ? 'limited' : 'failed';
}

/** What the limiter is told of a try's use; what is not known keeps its reservation. */
function usedBy(
  { status, httpStatus, neverLeft }: { readonly status: CallStatus; readonly httpStatus: number | null; readonly neverLeft: boolean },
  usage: Usage,
  costUsd: number | null,
): Parameters<Reservation['settle']>[0] {
  if (usage.source !== 'unknown') return { promptTokens: promptTokens(usage), outputTokens: completionTokens(usage), costUsd: costUsd ?? undefined };
  // A refused call used nothing; one that broke on the way, or failed after its head, may have been served and billed.
  const refused = neverLeft || status === 'rate_limited' || (httpStatus !== null && httpStatus >= 300);
  return refused ? { promptTokens: 0, outputTokens: 0, costUsd: 0 } : { promptTokens: undefined, outputTokens: undefined, costUsd: undefined };
}
