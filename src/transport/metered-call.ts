import { completionTokens, newId, promptTokens, UsageError, type CallIntent, type CallStatus, type Clock, type SeenBy, type Usage } from '../core/index.ts';
import { currentScope, type Ledger, type OpenCall, type PriceTable } from '../ledger/index.ts';
import type { AdmitRequest, Limiter, Reservation } from '../limiter/index.ts';
import { readRateFacts, type CountTokens, type Protocol, type RateFacts, type RequestFacts, type ResponseFacts } from '../protocols/index.ts';
import type { WriteOp } from '../store/contract.ts';
import { AnswerReader } from './answer-reader.ts';
import { errorText } from './error-text.ts';
import { estimatedUsage, knownUsage } from './estimate-usage.ts';
import { fateOf, impliedStatus } from './fate.ts';
import type { BrokenOff } from './flight.ts';

/** The books a call is entered in. */
export interface MeterDeps {
  readonly limiter: Pick<Limiter, 'admit' | 'observe' | 'charge' | 'countsTokens'>;
  readonly ledger: Pick<Ledger, 'open'>;
  readonly clock: Clock;
  readonly prices: PriceTable;
}

/** One physical call, before it leaves. */
export interface MeteredRequest extends Pick<AdmitRequest, 'budgets' | 'signal' | 'drain' | 'longestPauseMs' | 'deadline'> {
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: Protocol;
  readonly asked: RequestFacts;
  /** Loads what counts a text as the model asked for does; asked only where a count is needed. */
  readonly countTokens: () => Promise<CountTokens>;
  readonly deployment: string;
  readonly target: string | null;
  readonly simulated: boolean;
  /** Shared by the tries of one logical call. */
  readonly logicalId: string;
  readonly retry: number;
  /** Absent where transport makes the call itself. */
  readonly via?: SeenBy;
  /** Whether the text of a streamed answer is kept until it is settled. */
  readonly keepsStreams?: boolean;
}

/** How one call ended, as it stands in the ledger. */
export interface MeteredEnd {
  readonly callId: string;
  readonly status: CallStatus;
  readonly httpStatus: number | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Decoded; empty where a stream was not kept. */
  readonly body: string;
  readonly facts: ResponseFacts | undefined;
  readonly rate: RateFacts | undefined;
  readonly usage: Usage;
  readonly costUsd: number | null;
  /** Milliseconds from leaving to settling. */
  readonly flightMs: number;
  /** What broke the exchange, if anything did. */
  readonly failure: unknown;
  readonly error: string | null;
}

/** Roughly, in most languages: good enough where no limit of tokens depends on it. */
const BYTES_PER_TOKEN = 4;

/** What a call holds of the limiter's until it has ended. */
type HeldPlace = Pick<Reservation, 'left' | 'settle' | 'release'>;

/**
 * Waits until the limiter admits the call, then commits its intent. It may leave once this resolves.
 * Settle it whatever its fate, then release it.
 *
 * @param mayLeave called once the call is admitted; what it throws keeps it from leaving
 * @throws what the limiter or the store throws; nothing is reserved or recorded then
 */
export async function admitCall(deps: MeterDeps, request: MeteredRequest, mayLeave: () => void = () => {}): Promise<MeteredCall> {
  const { asked, deployment } = request;
  const queuedAt = deps.clock.now();
  const promptTokens = await reckonPrompt(deps, request);
  const reservation = await deps.limiter.admit({
    deployment,
    promptTokens,
    maxOutputTokens: asked.maxOutput === undefined ? undefined : asked.maxOutput * asked.generations,
    retry: request.retry,
    usdFor: (prompt, output) => deps.prices.costOf(asked.model ?? null, estimate(prompt, output)) ?? undefined,
    ...(request.budgets === undefined ? {} : { budgets: request.budgets }),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
    ...(request.drain === undefined ? {} : { drain: request.drain }),
    ...(request.longestPauseMs === undefined ? {} : { longestPauseMs: request.longestPauseMs }),
    ...(request.deadline === undefined ? {} : { deadline: request.deadline }),
  });
  try {
    // A fallback names another bucket than the one this request goes to: sent, it would be booked where it was not made.
    if (reservation.deployment !== deployment) {
      throw new UsageError({ code: 'config', message: `the quota of ${deployment} falls back to ${reservation.deployment}, which this request does not go to`, hint: 'set onExhausted to stop or wait' });
    }
    mayLeave();
    const open = await deps.ledger.open(intentOf(deps, request, { queuedAt, waitedMs: reservation.waitedMs, reservedTokens: reservation.promptTokens + reservation.outputTokens }));
    return new MeteredCall(deps, request, open, reservation);
  } catch (error) {
    reservation.release();
    throw error;
  }
}

/**
 * Commits the intent of a call that cannot be held. The limiter is charged for it when it settles; budgets reckon with it from now on, also
 * where it overruns them.
 *
 * @param sentAt when it left, where it is on its way already; milliseconds since the epoch
 */
export async function openUnheld(deps: MeterDeps, request: MeteredRequest, sentAt: number = deps.clock.now()): Promise<MeteredCall> {
  const promptTokens = await reckonPrompt(deps, request);
  const outputTokens = (request.asked.maxOutput ?? 0) * request.asked.generations;
  const place = unheldPlace(deps, request, { promptTokens, outputTokens });
  try {
    const open = await deps.ledger.open(intentOf(deps, request, { queuedAt: sentAt, waitedMs: 0, reservedTokens: promptTokens + outputTokens, sentAt }));
    return new MeteredCall(deps, request, open, place, sentAt);
  } catch (error) {
    place.release();
    throw error;
  }
}

/** What stands in for a reservation where the limiter was not asked. */
function unheldPlace({ limiter, prices }: MeterDeps, { asked, deployment, budgets = [] }: MeteredRequest, reserved: { readonly promptTokens: number; readonly outputTokens: number }): HeldPlace {
  const model = asked.model ?? null;
  const tokens = reserved.promptTokens + reserved.outputTokens;
  const holds = budgets.map((budget) => budget.hold({ calls: 1, tokens, usd: prices.costOf(model, estimate(reserved.promptTokens, reserved.outputTokens)) ?? 0 }));
  return {
    left: () => {},
    settle: (used) => {
      // What is not known keeps the estimate, as a reservation would.
      const [prompt, output] = [used.promptTokens ?? reserved.promptTokens, used.outputTokens ?? reserved.outputTokens];
      limiter.charge(deployment, { promptTokens: prompt, outputTokens: output, costUsd: used.costUsd });
      for (const hold of holds) hold.settle({ tokens: prompt + output, usd: used.costUsd ?? prices.costOf(model, estimate(prompt, output)) ?? undefined });
    },
    release: () => {
      for (const hold of holds) hold.giveBack();
    },
  };
}

/** A call on its way: its row is open, its place taken. */
export class MeteredCall {
  readonly intent: CallIntent;
  /** What has come back so far. */
  readonly reader: AnswerReader;
  readonly #deps: MeterDeps;
  readonly #request: MeteredRequest;
  readonly #open: OpenCall;
  readonly #place: HeldPlace;
  #sentAt: number;
  #end: Promise<MeteredEnd> | undefined;

  constructor(deps: MeterDeps, request: MeteredRequest, open: OpenCall, place: HeldPlace, sentAt: number = deps.clock.now()) {
    this.#deps = deps;
    this.#request = request;
    this.#open = open;
    this.#place = place;
    this.intent = open.intent;
    this.#sentAt = sentAt;
    this.reader = new AnswerReader(request.protocol, request.asked, deps.clock, { keepsStreams: request.keepsStreams ?? false });
  }

  /** Says that the call leaves now. */
  left(): void {
    this.#place.left();
    this.#sentAt = this.#deps.clock.now();
  }

  /** Gives its place back. */
  release(): void {
    this.#place.release();
  }

  /**
   * Enters how it ended; the first settlement counts. Resolves once it is committed.
   *
   * @param also writes that are committed with it or not at all
   */
  settle(broken: BrokenOff, also?: (end: MeteredEnd) => readonly WriteOp[]): Promise<MeteredEnd> {
    this.#end ??= this.#settle(broken, also);
    return this.#end;
  }

  async #settle({ breakage, failure, neverLeft }: BrokenOff, also?: (end: MeteredEnd) => readonly WriteOp[]): Promise<MeteredEnd> {
    const { clock, prices, limiter } = this.#deps;
    const { asked, countTokens, deployment, url, headers: sent } = this.#request;
    const { httpStatus, headers } = this.reader;
    const sentAt = this.#sentAt;
    const endedAt = clock.now();
    const facts = this.reader.facts();
    const status = fateOf(httpStatus, facts, breakage);
    const usage = knownUsage(status, httpStatus, facts) ?? estimatedUsage(asked, facts!, await countTokens());
    const header = (name: string): string | undefined => headers[name];
    const rate = httpStatus === null ? undefined : withPauseInBody(readRateFacts(header, endedAt), facts);
    const costUsd = prices.costOf(facts?.model ?? null, usage) ?? prices.costOf(asked.model ?? null, usage);
    const error = status === 'ok' ? null : errorText(status, { httpStatus, headers, facts, failure }, { url, headers: sent });
    const end: MeteredEnd = {
      callId: this.intent.id,
      status,
      httpStatus,
      headers,
      body: this.reader.streamed && this.#request.keepsStreams !== true ? '' : this.reader.text(),
      facts,
      rate,
      usage,
      costUsd,
      flightMs: endedAt - sentAt,
      failure,
      error,
    };

    const limited = status === 'rate_limited' && impliedStatus(httpStatus, facts?.error) === 429;
    if (rate !== undefined) limiter.observe({ deployment, sentAt, limited, rate });
    const used = usedBy({ status, httpStatus, neverLeft }, usage, costUsd);
    this.#place.settle(used, settleOutcome(status));
    // The exchange is over: its place need not wait until that is committed.
    this.#place.release();
    await this.#open.settle(
      {
        status,
        httpStatus,
        modelAnswered: facts?.model ?? null,
        usage,
        costUsd,
        firstTokenMs: this.reader.firstTokenAt === undefined ? null : Math.round(this.reader.firstTokenAt - sentAt),
        totalMs: Math.round(endedAt - sentAt),
        finishReason: facts?.answers[0]?.finishReason ?? null,
        requestId: header('x-request-id') ?? header('request-id') ?? header('apim-request-id') ?? facts?.requestId ?? null,
        error,
      },
      ...(also?.(end) ?? []),
    );
    return end;
  }
}

/** Google tells how long to wait in the error's body alone. */
function withPauseInBody(rate: RateFacts, facts: ResponseFacts | undefined): RateFacts {
  return { ...rate, retryAfterMs: rate.retryAfterMs ?? facts?.error?.retryAfterMs };
}

function intentOf(deps: MeterDeps, request: MeteredRequest, booked: { readonly queuedAt: number; readonly waitedMs: number; readonly reservedTokens: number; readonly sentAt?: number }): CallIntent {
  return {
    id: newId(),
    logicalId: request.logicalId,
    retry: request.retry,
    scope: currentScope(),
    target: request.target,
    deployment: request.deployment,
    ...(request.via === undefined ? {} : { via: request.via }),
    protocol: request.protocol.name,
    modelAsked: request.asked.model ?? null,
    stream: request.asked.stream,
    simulated: request.simulated,
    queuedAt: Math.round(booked.queuedAt),
    sentAt: Math.round(booked.sentAt ?? deps.clock.now()),
    waitedMs: Math.round(booked.waitedMs),
    reservedTokens: booked.reservedTokens,
  };
}

/** Tokens of the prompt: counted where a limit depends on them. */
async function reckonPrompt({ limiter }: MeterDeps, { asked, deployment, budgets, countTokens }: MeteredRequest): Promise<number> {
  const about = Math.ceil(Buffer.byteLength(asked.promptText) / BYTES_PER_TOKEN);
  const exact = (budgets !== undefined && budgets.length > 0) || limiter.countsTokens(deployment, about);
  return (exact ? (await countTokens())(asked.promptText) : about) + asked.promptOverhead;
}

function estimate(promptTokens: number, outputTokens: number): Usage {
  return { inputFresh: promptTokens, cacheRead: undefined, cacheWrite: undefined, outputText: outputTokens, reasoning: undefined, source: 'estimated' };
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
