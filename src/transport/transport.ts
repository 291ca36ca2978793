import { CancelledError, isObject, newId, parseJson, sleep, systemClock, systemRandom, type Clock, type Random } from '../core/index.ts';
import type { Ledger, PriceTable } from '../ledger/index.ts';
import type { Limiter } from '../limiter/index.ts';
import { loadTokenizer, recogniseProtocol } from '../protocols/index.ts';
import { callFailed, circuitOpen, notAdmitted, unknownApi } from './call-failed.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { failureCode, isPermanent } from './failure.ts';
import { impliedStatus } from './fate.ts';
import { withoutUsageChunk } from './hide-usage-chunk.ts';
import { linkedController } from './linked-signal.ts';
import { oneTry, type PreparedCall, type TryDeps } from './one-try.ts';
import type { Answer, OutgoingCall } from './outgoing-call.ts';
import { outgoingHeaders } from './outgoing-headers.ts';
import { Agent, type Dispatcher } from './own-undici.ts';
import { decideRetry, DEFAULT_RETRY } from './retry.ts';

export interface TransportOptions {
  readonly limiter: Limiter;
  readonly ledger: Ledger;
  readonly prices: PriceTable;
  readonly clock?: Clock;
  readonly random?: Pick<Random, 'next'>;
  /** Where requests go out; an undici Agent of its own by default. One that is handed in is not closed. */
  readonly dispatcher?: Dispatcher;
}

/** The one way out: every call of ours passes admit → send → read → settle → record here, and is retried here only. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #clock: Clock;
  readonly #random: Pick<Random, 'next'>;
  readonly #dispatcher: Dispatcher;
  readonly #breaker: CircuitBreaker;
  readonly #closing = new AbortController();

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    // Over HTTP/2 one broken connection would take a hundred billed calls with it.
    this.#dispatcher = options.dispatcher ?? new Agent({ keepAliveTimeout: 10_000, allowH2: false });
    this.#breaker = new CircuitBreaker(this.#clock);
  }

  /**
   * Sends a call and reads its answer to the end, retrying as the call's policy says.
   *
   * @returns the answer; a content filter's refusal is an answer with `blocked: true`
   * @throws CallError once no try is left (each of them is in the ledger), CancelledError, or what the limiter or the store throws
   */
  async send(call: OutgoingCall): Promise<Answer> {
    const { controller, unlink } = linkedController(call.signal, this.#closing.signal);
    try {
      return await this.#send(call, controller);
    } finally {
      unlink();
    }
  }

  /** Ends calls in flight and in wait as aborted, and closes connections. */
  async close(): Promise<void> {
    this.#closing.abort(new CancelledError({ message: 'transport is closed' }));
    if (this.#options.dispatcher === undefined) await this.#dispatcher.destroy();
  }

  async #send(call: OutgoingCall, life: AbortController): Promise<Answer> {
    const { deployment } = call;
    const { prepared, usageWasAdded } = this.#prepare(call, life.signal);
    const policy = call.retry ?? DEFAULT_RETRY;
    let spentMs = 0;
    let served = 0;
    for (let retry = 0; ; retry++) {
      const open = this.#breaker.openReason(deployment);
      if (open !== undefined) throw circuitOpen(deployment, open, retry);
      // Asked again once it is admitted: the circuit may have opened while it waited.
      const mayLeave = (): void => {
        const refusal = this.#breaker.refusal(deployment);
        if (refusal !== undefined) throw circuitOpen(deployment, refusal, retry);
      };
      const end = await oneTry(this.#deps(), prepared, { retry, served, patienceMs: policy.deadlineMs - spentMs, mayLeave }).catch((error: unknown) => {
        throw notAdmitted(error, deployment, retry);
      });
      const { status, httpStatus, facts, headers, rate } = end;
      const implied = impliedStatus(httpStatus, facts?.error);
      this.#breaker.record(deployment, status, implied, end.error ?? '');
      if (facts !== undefined && httpStatus !== null && (status === 'ok' || status === 'blocked')) {
        const body = usageWasAdded ? withoutUsageChunk(end.body) : end.body;
        return { callId: end.callId, httpStatus, headers, body, facts, blocked: status === 'blocked' };
      }
      spentMs += end.flightMs;
      if (status !== 'rate_limited') served++;
      const permanent = isPermanent(failureCode(end.failure));
      const decision = decideRetry({ status, httpStatus: implied, permanent, retry, spentMs, rate }, policy, this.#random);
      if (!decision.again) {
        if (decision.because === 'aborted') throw new CancelledError({ message: 'the call was aborted', cause: life.signal.reason });
        throw callFailed(deployment, end, retry + 1, decision.because);
      }
      spentMs += decision.delayMs;
      await sleep(this.#clock, decision.delayMs, life.signal);
    }
  }

  #deps(): TryDeps {
    const { limiter, ledger, prices } = this.#options;
    return { limiter, ledger, prices, clock: this.#clock, dispatcher: this.#dispatcher };
  }

  #prepare(call: OutgoingCall, signal: AbortSignal): { readonly prepared: PreparedCall; readonly usageWasAdded: boolean } {
    const path = new URL(call.url).pathname;
    const protocol = recogniseProtocol(call.method, path);
    if (protocol === undefined) throw unknownApi(call.deployment, path);
    const parsed = parseJson(call.body);
    const asking = isObject(parsed) ? protocol.askForStreamUsage(parsed) : undefined;
    const request = protocol.readRequest(parsed, path);
    const prepared: PreparedCall = {
      call,
      logicalId: newId(),
      protocol,
      request,
      headers: outgoingHeaders(call.headers),
      body: asking === undefined ? call.body : JSON.stringify(asking),
      countTokens: () => loadTokenizer(request.model),
      signal,
    };
    return { prepared, usageWasAdded: asking !== undefined };
  }
}
