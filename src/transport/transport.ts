import { Agent, type Dispatcher } from 'undici';
import { CancelledError, isObject, newId, parseJson, sleep, systemClock, systemRandom, type Clock, type Random } from '../core/index.ts';
import type { Ledger, PriceTable } from '../ledger/index.ts';
import type { Limiter } from '../limiter/index.ts';
import { loadTokenizer, recogniseProtocol } from '../protocols/index.ts';
import { CallError } from './call-error.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { oneTry, type PreparedCall, type TryDeps, type TryEnd } from './one-try.ts';
import type { Answer, OutgoingCall } from './outgoing-call.ts';
import { decideRetry, DEFAULT_RETRY } from './retry.ts';

export interface TransportOptions {
  readonly limiter: Limiter;
  readonly ledger: Ledger;
  readonly prices: PriceTable;
  readonly clock?: Clock;
  readonly random?: Pick<Random, 'next'>;
  /** Where requests go out; an undici Agent of its own by default. */
  readonly dispatcher?: Dispatcher;
}

/** The one way out: every call of ours passes admit → send → read → settle → record here, and is retried here only. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #clock: Clock;
  readonly #random: Pick<Random, 'next'>;
  readonly #dispatcher: Dispatcher;
  readonly #breaker: CircuitBreaker;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#dispatcher = options.dispatcher ?? new Agent({ keepAliveTimeout: 10_000 });
    this.#breaker = new CircuitBreaker(this.#clock);
  }

  /**
   * Sends a call and reads its answer to the end, retrying as the call's policy says.
   *
   * @returns the answer; a content filter's refusal is an answer with `blocked: true`
   * @throws CallError once no try is left (each of them is in the ledger), CancelledError, or what the limiter or the store throws
   */
  async send(call: OutgoingCall): Promise<Answer> {
    const prepared = await this.#prepare(call);
    const policy = call.retry ?? DEFAULT_RETRY;
    const { limiter, ledger, prices } = this.#options;
    const deps: TryDeps = { limiter, ledger, prices, clock: this.#clock, dispatcher: this.#dispatcher };
    let spentMs = 0;
    let served = 0;
    for (let retry = 0; ; retry++) {
      const refusal = this.#breaker.refusal(call.deployment);
      if (refusal !== undefined) throw circuitOpen(call.deployment, refusal, retry);
      const end = await oneTry(deps, prepared, { retry, served });
      this.#breaker.record(call.deployment, end.status, end.httpStatus, end.error ?? '');
      if (end.facts !== undefined && end.httpStatus !== null && (end.status === 'ok' || end.status === 'blocked')) {
        return { callId: end.callId, httpStatus: end.httpStatus, headers: end.headers, body: end.body, facts: end.facts, blocked: end.status === 'blocked' };
      }
      spentMs += end.flightMs;
      if (end.status !== 'rate_limited') served++;
      const decision = decideRetry({ status: end.status, httpStatus: end.httpStatus, retry, spentMs, rate: end.rate }, policy, this.#random);
      if (!decision.again) throw callFailed(call, end, retry + 1, decision.because);
      spentMs += decision.delayMs;
      await sleep(this.#clock, decision.delayMs, call.signal);
    }
  }

  /** Closes connections. Calls in flight end as broken. */
  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #prepare(call: OutgoingCall): Promise<PreparedCall> {
    const path = new URL(call.url).pathname;
    const protocol = recogniseProtocol(call.method, path);
    if (protocol === undefined) {
      throw new CallError({
        code: 'call_failed',
        message: `no known model API at ${path}`,
        hint: 'check the base URL: it should end before /chat/completions, /responses, /embeddings or /messages',
        status: 'not_sent',
        deployment: call.deployment,
        tries: 0,
      });
    }
    const parsed = parseJson(call.body);
    const asking = isObject(parsed) ? protocol.askForStreamUsage(parsed) : undefined;
    const request = protocol.readRequest(parsed, path);
    const countTokens = await loadTokenizer(request.model);
    return {
      call,
      logicalId: newId(),
      protocol,
      request,
      body: asking === undefined ? call.body : JSON.stringify(asking),
      promptTokens: countTokens(request.promptText) + request.promptOverhead,
      countTokens,
    };
  }
}

function circuitOpen(deployment: string, reason: string, tries: number): CallError {
  return new CallError({
    code: 'circuit_open',
    message: `not sent: ${deployment} keeps refusing (${reason})`,
    hint: 'check the key, the model name and the base URL, then resume with --retry-errors',
    status: 'not_sent',
    deployment,
    tries,
  });
}

function callFailed(call: OutgoingCall, end: TryEnd, tries: number, because: 'deterministic' | 'tries' | 'deadline' | 'aborted'): Error {
  if (because === 'aborted') return new CancelledError({ message: 'the call was aborted' });
  const detail = end.error ?? end.status;
  const given = because === 'deterministic' ? '' : because === 'tries' ? `, given up after ${tries} tries` : `, given up at the deadline after ${tries} tries`;
  return new CallError({
    code: codeOf(end),
    message: `${call.deployment}: ${detail}${given}`,
    status: end.status,
    httpStatus: end.httpStatus,
    deployment: call.deployment,
    tries,
  });
}

function codeOf(end: TryEnd): CallError['code'] & ('rate_limited' | 'call_failed' | 'timeout' | 'network' | 'malformed') {
  switch (end.status) {
    case 'rate_limited':
      return 'rate_limited';
    case 'timeout':
      return 'timeout';
    case 'network_error':
    case 'cut':
    case 'lost':
      return 'network';
    case 'malformed':
      return 'malformed';
    case 'ok':
    case 'blocked':
    case 'http_error':
    case 'aborted':
      return 'call_failed';
    default:
      return end.status satisfies never;
  }
}
