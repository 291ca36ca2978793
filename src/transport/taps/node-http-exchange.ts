import type { ClientRequest, IncomingMessage } from 'node:http';
import { systemClock } from '../../core/index.ts';
import { currentScope } from '../../ledger/index.ts';
import { describeCall } from '../describe-call.ts';
import { failureCode, neverLeaves } from '../failure.ts';
import type { Breakage } from '../fate.ts';
import { flatHeaders, type BrokenOff } from '../flight.ts';
import { openUnheld } from '../metered-call.ts';
import type { RetriedCalls } from '../retried-calls.ts';
import type { TapOptions } from './contract.ts';
import { EnteredCall, type EnteredCalls } from './entered-call.ts';
import { saysTimeout } from './says-timeout.ts';
import { headersOf, SentBody } from './node-http-request.ts';

export interface ExchangeOptions extends Pick<TapOptions, 'meter' | 'places' | 'budgets'> {
  readonly calls: EnteredCalls;
  readonly retried: RetriedCalls;
  /** Runs a function in the scope of the moment in which the request was made. */
  readonly inScope: <T>(fn: () => T) => T;
  /** Whether the tap was taken off. */
  readonly removed: () => boolean;
}

const NOTHING_BROKE: BrokenOff = { breakage: undefined, failure: undefined, neverLeft: false };

/** A caller's method with something of ours before or around it. */
type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * One request of `node:http` to a model, from its making to its end. Sees what its caller writes and what is pushed into its response, by
 * methods of these two objects alone; bytes, order, back-pressure and events stay the caller's.
 */
export class HttpExchange {
  readonly #request: ClientRequest;
  readonly #url: URL;
  readonly #options: ExchangeOptions;
  readonly #sent = new SentBody();
  /** From when it left. */
  #call: EnteredCall | undefined;
  #httpStatus: number | null = null;
  /** A time-out was told, and nothing came since. */
  #outOfTime = false;
  /** It was given up before its body was whole, which makes it no call. */
  #givenUp = false;

  constructor(request: ClientRequest, url: URL, options: ExchangeOptions) {
    this.#request = request;
    this.#url = url;
    this.#options = options;
    around(request, 'write', (write, [chunk, encoding]) => {
      const taken = !request.writableEnded && !request.destroyed;
      const result = write();
      if (taken) this.#sent.add(chunk, encoding);
      return result;
    });
    around(request, 'end', (end, [chunk, encoding]) => {
      if (!request.writableEnded && !request.destroyed && mayEnd(chunk)) {
        this.#sent.add(chunk, encoding);
        this.#leave();
      }
      try {
        return end();
      } catch (error) {
        this.#end({ breakage: 'connection', failure: error, neverLeft: true });
        throw error;
      }
    });
    around(request, 'destroy', (destroy, [error]) => {
      this.#destroyed(error);
      return destroy();
    });
    request.on('timeout', this.#onTimeout);
  }

  /** The head of the response came. */
  answered(response: IncomingMessage): void {
    // A server may answer before it has the whole body.
    this.#leave();
    const call = this.#call;
    if (call === undefined || call.over) return;
    this.#httpStatus = response.statusCode ?? null;
    call.head(response.statusCode ?? 0, flatHeaders(response.headers));
    around(response, 'push', (push, [chunk]) => {
      if (chunk instanceof Uint8Array) {
        this.#outOfTime = false;
        call.push(chunk);
      } else if (chunk === null && response.complete) {
        this.#end(NOTHING_BROKE);
      }
      return push();
    });
    around(response, 'destroy', (destroy, [error]) => {
      if (isHangUp(error)) this.failed(error);
      else if (!response.complete) this.#destroyed(error);
      return destroy();
    });
    // Node throws away unread what nobody listens to. Here it flows off through `push`, to the same effect for everybody else.
    around(response, '_dump', (dump) => (this.#request.destroyed ? dump() : response.removeAllListeners('data').resume()));
    response.on('timeout', this.#onTimeout);
  }

  /** The connection failed. */
  failed(failure: unknown): void {
    this.#end({ breakage: 'connection', failure, neverLeft: this.#httpStatus === null && neverLeaves(failureCode(failure)) });
  }

  /** Enters the call. */
  #leave(): void {
    const { calls, retried, meter, places, budgets, inScope, removed } = this.#options;
    if (this.#call !== undefined || this.#givenUp || removed()) return;
    const sentAt = systemClock.now();
    const headers = headersOf(this.#request);
    const body = this.#sent.text(headers['content-encoding']);
    const described = describeCall({ method: this.#request.method, url: this.#url, headers, body }, places);
    if (described === undefined) return;
    const { bodyWithUsage: _, ...asked } = described;
    const { failed, ...tried } = retried.begin(described, inScope(currentScope), body);
    this.#call = new EnteredCall(calls);
    this.#call.whenRetryable(failed);
    this.#call.opens(inScope(async () => openUnheld(await meter(), { ...asked, ...tried, via: 'node-http', ...(budgets === undefined ? {} : { budgets }) }, sentAt)));
  }

  readonly #onTimeout = (): void => {
    this.#outOfTime = true;
  };

  /** The caller gave it up. */
  #destroyed(failure: unknown): void {
    this.#givenUp = true;
    const breakage: Breakage = this.#outOfTime || saysTimeout(failure) ? 'timeout' : 'aborted';
    const { socket } = this.#request;
    this.#end({
      // The head of a refusal has said all that matters, and clients drop its body.
      breakage: this.#httpStatus !== null && this.#httpStatus >= 300 ? undefined : breakage,
      failure,
      // What was written waits for a connection.
      neverLeft: this.#httpStatus === null && (socket === null || socket.connecting),
    });
  }

  #end(broken: BrokenOff): void {
    this.#call?.end(broken);
  }
}

/** What `end` takes; it throws for anything else, and nothing leaves. */
function mayEnd(chunk: unknown): boolean {
  return chunk === undefined || chunk === null || typeof chunk === 'string' || typeof chunk === 'function' || chunk instanceof Uint8Array;
}

/** Node's own end of a response whose connection closed early, by its error. */
function isHangUp(error: unknown): boolean {
  return failureCode(error) === 'ECONNRESET' && (error as Error).message === 'aborted';
}

/**
 * Puts `wrap` around one object's method, as a property that is not enumerated.
 *
 * @param wrap is handed the method as its caller called it, and the arguments
 */
function around(object: object, name: string, wrap: (call: () => unknown, args: readonly unknown[]) => unknown): void {
  const original = (object as Readonly<Record<string, unknown>>)[name] as Method;
  const method: Method = function (...args) {
    return wrap(() => original.apply(this, args), args);
  };
  Object.defineProperty(object, name, { value: method, writable: true, configurable: true, enumerable: false });
}
