import { subscribe, unsubscribe, type ChannelListener } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { bind, scopeHeadersFor } from '../../ledger/index.ts';
import { looksLikeModelCall, recogniseProtocol } from '../../protocols/index.ts';
import { RetriedCalls } from '../retried-calls.ts';
import { callingModule, stackHere } from './calling-module.ts';
import type { Tap, TapOptions, Uncounted } from './contract.ts';
import { EnteredCalls } from './entered-call.ts';
import { HttpExchange } from './node-http-exchange.ts';
import { authorityOf, urlOf } from './node-http-request.ts';

const CREATED = 'http.client.request.created';
const FAILED = 'http.client.request.error';
const ANSWERED = 'http.client.response.finish';

const TAPS = Symbol.for('assay.node-http-taps.1');

/** Taps that are on, of all copies of the package in this process. What goes by is entered once: by the one that was installed last. */
const installed = ((globalThis as { [TAPS]?: Tap[] })[TAPS] ??= []);

/**
 * Enters model calls that clients on `node:http` and `node:https` make (axios, node-fetch, got, `http.request`), whoever holds the module and
 * whenever it was loaded: it listens to Node's own diagnostics channels.
 *
 * Such calls cannot be held, so the limiter is charged for them when they settle. Their row is handed to the store when their body ends, in the
 * same turn in which it goes to the socket; it may be committed a moment after the request has left. Calls that are redirected are one row for
 * each request. Nothing that goes over the wire is changed: a stream that does not say what it used is estimated.
 */
export function installNodeHttpTap(options: TapOptions): Tap {
  return new NodeHttpTap(options);
}

type Followed = ClientRequest & { readonly [key: symbol]: HttpExchange | undefined };

class NodeHttpTap implements Tap {
  readonly #options: TapOptions;
  readonly #gateway: URL | null;
  /** Under this key a request holds its exchange: a weak map of so many short-lived keys would keep them all until a full collection. */
  readonly #key = Symbol('assay.exchange');
  readonly #calls: EnteredCalls;
  readonly #retried = new RetriedCalls();
  readonly #told = new Set<string>();
  #removed = false;

  constructor(options: TapOptions) {
    this.#options = options;
    this.#gateway = options.gatewayUrl === undefined ? null : new URL(options.gatewayUrl);
    this.#calls = new EnteredCalls((error) => options.onFailure?.(error));
    installed.push(this);
    subscribe(CREATED, this.#onCreated);
    subscribe(ANSWERED, this.#onAnswered);
    subscribe(FAILED, this.#onFailed);
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  settled(): Promise<void> {
    return this.#calls.settled();
  }

  abandon(): void {
    this.#calls.abandon();
  }

  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    installed.splice(installed.indexOf(this), 1);
    unsubscribe(CREATED, this.#onCreated);
    // Answers are listened for until the last call under way has its own.
    void this.#calls.settled().then(() => {
      unsubscribe(ANSWERED, this.#onAnswered);
      unsubscribe(FAILED, this.#onFailed);
    });
  }

  readonly #onCreated: ChannelListener = (message) => {
    const { request } = message as { readonly request: ClientRequest };
    if (request.method !== 'POST' || installed.at(-1) !== this) return;
    this.#guarded(() => this.#seen(request));
  };

  readonly #onAnswered: ChannelListener = (message) => {
    const { request, response } = message as { readonly request: ClientRequest; readonly response: IncomingMessage };
    const exchange = (request as Followed)[this.#key];
    if (exchange !== undefined) this.#guarded(() => exchange.answered(response));
  };

  readonly #onFailed: ChannelListener = (message) => {
    const { request, error } = message as { readonly request: ClientRequest; readonly error: unknown };
    const exchange = (request as Followed)[this.#key];
    if (exchange !== undefined) this.#guarded(() => exchange.failed(error));
  };

  #seen(request: ClientRequest): void {
    const { path } = request;
    const query = path.indexOf('?');
    const bare = query < 0 ? path : path.slice(0, query);
    const host = authorityOf(request);
    const readable = recogniseProtocol('POST', bare) !== undefined;
    if (!readable && !looksLikeModelCall(host, bare)) return;
    // What goes to a gateway is a model's, on paths that any site may have too.
    if (this.#gateway?.host === host) return sayWhose(request);
    const url = urlOf(request);
    if (url === null) return;
    const { meter, places, budgets } = this.#options;
    if (recogniseProtocol('POST', bare, places.knows(url) ? undefined : url.host) === undefined) {
      if (!looksLikeModelCall(url.host, url.pathname)) return;
      return this.#tellUncounted({ host: url.host, path: url.pathname, module: callingModule(stackHere()), reason: 'its wire format is none that can be read' });
    }
    const exchange = new HttpExchange(request, url, {
      calls: this.#calls,
      retried: this.#retried,
      meter,
      places,
      ...(budgets === undefined ? {} : { budgets }),
      inScope: inThisScope(),
      removed: () => this.#removed,
    });
    Object.defineProperty(request, this.#key, { value: exchange, enumerable: false });
  }

  #tellUncounted(uncounted: Uncounted): void {
    const key = `${uncounted.host} ${uncounted.module}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#options.onUncounted(uncounted);
  }

  /** What goes wrong here must not go wrong in the program that is watched. */
  #guarded(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#options.onFailure?.(error);
    }
  }
}

/** Runs functions later as if it were now. */
function inThisScope(): <T>(fn: () => T) => T {
  const run = bind((fn: () => unknown) => fn());
  return <T>(fn: () => T) => run(fn) as T;
}

/** Tells our gateway whom a request is charged to. What its caller says itself stands; a head that is fixed already stays as it is. */
function sayWhose(request: ClientRequest): void {
  if (request.headersSent) return;
  for (const [name, value] of Object.entries(scopeHeadersFor(request.path))) if (!request.hasHeader(name)) request.setHeader(name, value);
}
