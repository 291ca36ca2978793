import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Dispatcher } from 'undici';
import { AssayError, systemClock } from '../../core/index.ts';
import { currentScope, scopeHeadersFor } from '../../ledger/index.ts';
import { looksLikeModelCall, recogniseProtocol } from '../../protocols/index.ts';
import { describeCall, type DescribedCall } from '../describe-call.ts';
import { admitCall, openUnheld, type MeterDeps, type MeteredCall, type MeteredRequest } from '../metered-call.ts';
import { callingModule, stackHere } from './calling-module.ts';
import { RetriedCalls } from '../retried-calls.ts';
import type { Tap, TapOptions } from './contract.ts';
import { EnteredCall, EnteredCalls } from './entered-call.ts';
import { holdHandler, type HeldHandler } from './held-handler.ts';
import { bodyText, LONGEST_BODY_BYTES, readBody, wholeBody, type WholeBody } from './request-body.ts';
import { UndiciCallWatcher } from './undici-call-watcher.ts';
import { UndiciClasses, type Dispatch } from './undici-classes.ts';
import { dispatchAs, isMocked, isPost, marked, markOf, originOf, state, urlOf, type Mark, type Options } from './undici-dispatch.ts';
import { headersOf, withContentLength } from './undici-headers.ts';
import { gatherBody, RequestContext, watchRequest, type UndiciRequest } from './undici-request.ts';

const CREATE = 'undici:request:create';
const LONGEST_WAIT_MS = 600_000;
const TOO_LARGE = `its request is larger than ${LONGEST_BODY_BYTES} bytes`;

/** One dispatch that is to be held. */
interface Departure {
  readonly original: Dispatch;
  readonly dispatcher: Dispatcher;
  readonly options: Options;
  readonly handler: Dispatcher.DispatchHandler;
  readonly url: URL;
}

/**
 * Enters the calls of models that go out through undici: Node's `fetch` and any copy of undici in this process, with whatever dispatcher.
 * Calls are held: they wait for the limiter and for their intent to be committed, as long as the caller does not abort them. A budget or quota
 * that is used up fails the request with that error. The first request of a copy of undici that was not known until then is not held; it is
 * counted, and charged to the limiter, all the same.
 *
 * Requests to anything else pass at the price of a look at method and path.
 */
export function installUndiciTap(options: TapOptions): Tap {
  return new UndiciTap(options);
}

class UndiciTap implements Tap {
  readonly #options: TapOptions;
  readonly #calls: EnteredCalls;
  readonly #retried = new RetriedCalls();
  readonly #classes: UndiciClasses;
  readonly #gatewayOrigin: string | undefined;
  readonly #toldUncounted = new Set<string>();
  readonly #onCreate: (message: unknown) => void;
  #deps: MeterDeps | undefined;
  /** Requests that passed no `dispatch` of ours. */
  #unknown = 0;
  #removed = false;

  constructor(options: TapOptions) {
    this.#options = options;
    this.#calls = new EnteredCalls((error) => this.#failed(error));
    this.#gatewayOrigin = options.gatewayUrl === undefined ? undefined : new URL(options.gatewayUrl).origin;
    this.#onCreate = (message) => this.#guarded(() => this.#created((message as { readonly request: UndiciRequest }).request));
    state.installed.push(this);
    subscribe(CREATE, this.#onCreate);
    const goOn = this.#dispatch.bind(this);
    this.#classes = new UndiciClasses(
      (original) =>
        function dispatch(dispatchOptions, handler) {
          return goOn(original, this, dispatchOptions, handler);
        },
    );
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
    state.installed.splice(state.installed.indexOf(this), 1);
    this.#classes.remove();
    // Calls that are held now will make their requests yet.
    void this.#calls.settled().then(() => unsubscribe(CREATE, this.#onCreate));
  }

  #dispatch(original: Dispatch, dispatcher: Dispatcher, options: Options, handler: Dispatcher.DispatchHandler): boolean {
    if (!isPost(options) || this.#removed) return original.call(dispatcher, options, handler);
    const mark = markOf(options);
    const origin = mark === undefined ? originOf(options, dispatcher) : undefined;
    // What cannot be placed is left to be seen when its request is made.
    if (origin === undefined) return dispatchAs(mark ?? 'seen', original, dispatcher, options, handler);
    if (origin === this.#gatewayOrigin) return dispatchAs(this.#gatewayMark(options.path), original, dispatcher, options, handler);
    const url = recogniseProtocol('POST', options.path) === undefined || isMocked(dispatcher, origin) ? null : urlOf(options.path, origin);
    const held = url !== null && this.#guarded(() => this.#hold({ original, dispatcher, options, handler, url }));
    return held === true || dispatchAs('seen', original, dispatcher, options, handler);
  }

  /** @returns whether it is held */
  #hold(departure: Departure): boolean {
    const { options, handler } = departure;
    if (options.upgrade !== undefined && options.upgrade !== null && options.upgrade !== false) return false;
    const body = wholeBody(options.body);
    if (body === null) return false;
    const headers = headersOf(options.headers);
    // Before the books are open it is not known what the configuration calls its endpoint.
    const atOnce = this.#deps !== undefined && body !== undefined;
    const described = atOnce ? this.#describe(departure.url, headers, body) : undefined;
    if (atOnce && described === undefined) return false;
    const held = holdHandler(handler);
    if (held === undefined) return false;
    held.begin();
    const context = new RequestContext();
    this.#calls.track(
      described === undefined || body === undefined
        ? this.#readThenLeave(departure, { body, headers }, held, context)
        : this.#leave(departure, { described, body, encoded: headers['content-encoding'] !== undefined }, held, context),
    );
    return true;
  }

  async #readThenLeave(departure: Departure, given: { readonly body: WholeBody | undefined; readonly headers: Readonly<Record<string, string>> }, held: HeldHandler, context: RequestContext): Promise<void> {
    const { headers } = given;
    let { body } = given;
    if (body === undefined) {
      let read: Awaited<ReturnType<typeof readBody>>;
      try {
        read = await readBody(departure.options.body);
      } catch (error) {
        return held.fail(error);
      }
      if (held.signal.aborted) return;
      if (!('whole' in read)) {
        this.#uncounted(departure.url, TOO_LARGE);
        return this.#send(departure, { body: read.rest }, held, 'books');
      }
      body = read.whole;
    }
    // What failed will fail again where the call asks for it.
    if (this.#deps === undefined) await this.#options.meter().catch(() => undefined);
    if (held.signal.aborted) return;
    const described = this.#describe(departure.url, headers, body);
    if (described === undefined) return this.#send(departure, { body }, held, 'books');
    return this.#leave(departure, { described, body, encoded: headers['content-encoding'] !== undefined }, held, context);
  }

  /** Waits for the limiter and the intent's commit, then hands the request to undici. */
  async #leave(
    departure: Departure,
    { described, body, encoded }: { readonly described: DescribedCall; readonly body: WholeBody; readonly encoded: boolean },
    held: HeldHandler,
    context: RequestContext,
  ): Promise<void> {
    let metered: MeteredCall;
    let tried: ReturnType<RetriedCalls['begin']>;
    let opened = false;
    try {
      tried = this.#retried.begin(described, currentScope(), body);
      this.#deps ??= await this.#options.meter();
      opened = true;
      metered = await this.#admit(this.#deps, { ...described, logicalId: tried.logicalId, retry: tried.retry }, held.signal);
    } catch (error) {
      if (held.signal.aborted) return;
      if (opened && isRefusal(error)) return held.fail(error);
      this.#failed(error);
      if (this.#options.strict === true) return held.fail(error);
      return this.#send(departure, { body }, held, 'books');
    }
    const call = new EnteredCall(this.#calls, metered);
    call.whenRetryable(tried.failed);
    const neverSent = (failure: unknown): void => call.end({ breakage: held.signal.aborted ? 'aborted' : 'connection', failure, neverLeft: true });
    if (held.signal.aborted) return neverSent(held.signal.reason);
    const asking = encoded ? undefined : described.bodyWithUsage;
    const mark: Mark = { owner: this, context, call, hidesUsage: asking !== undefined, gatewayHeaders: undefined, taken: false };
    held.onOver = (error) => {
      // Otherwise its request tells.
      if (!mark.taken) neverSent(error ?? new Error('it was answered without a request that could be seen'));
    };
    this.#send(departure, asking === undefined ? { body } : { body: asking, headers: withContentLength(departure.options.headers, Buffer.byteLength(asking)) }, held, mark);
  }

  async #admit(deps: MeterDeps, described: DescribedCall, signal: AbortSignal): Promise<MeteredCall> {
    const { longestWaitMs = LONGEST_WAIT_MS } = this.#options;
    const request = this.#request(described);
    try {
      return await admitCall(deps, { ...request, signal, deadline: deps.clock.now() + longestWaitMs, longestPauseMs: longestWaitMs }, () => signal.throwIfAborted());
    } catch (error) {
      if (!AssayError.isInstance(error) || error.code !== 'rate_limited') throw error;
      return openUnheld(deps, request);
    }
  }

  #request(described: DescribedCall): MeteredRequest {
    const { budgets } = this.#options;
    return { ...described, via: 'undici', ...(budgets === undefined ? {} : { budgets }) };
  }

  #send({ original, dispatcher, options }: Departure, changed: { readonly body: unknown; readonly headers?: unknown }, held: HeldHandler, mark: Mark | 'books'): void {
    const sent = marked({ ...options, ...changed } as Options, mark);
    try {
      dispatchAs(mark, original, dispatcher, sent, held.handler);
    } catch (error) {
      held.onOver(error);
      held.fail(error);
    }
  }

  #created(request: UndiciRequest): void {
    if (request.method !== 'POST') {
      if (request.upgrade === 'websocket') this.#webSocket(request);
      return;
    }
    const mark = state.dispatching;
    if (mark === 'books') return;
    if (typeof mark === 'object') {
      if (mark.owner !== this) return;
      if (mark.gatewayHeaders !== undefined) return addHeaders(request, mark.gatewayHeaders);
      if (!mark.taken && mark.call !== undefined) {
        mark.taken = true;
        watchRequest(request, new UndiciCallWatcher(mark.call, { hidesUsage: mark.hidesUsage }), mark.context);
        return;
      }
    }
    if (state.installed.at(-1) !== this) return;
    const url = urlOf(request.path, String(request.origin ?? ''));
    if (url === null) return;
    if (url.origin === this.#gatewayOrigin) return addHeaders(request, scopeHeadersFor(url.pathname));
    if (recogniseProtocol('POST', url.pathname, this.#options.places.knows(url) ? undefined : url.host) !== undefined) {
      if (mark === undefined) this.#lookForCopy();
      this.#enterUnheld(request, url);
    } else if (looksLikeModelCall(url.host, url.pathname)) this.#uncounted(url, 'its wire format is none that can be read');
  }

  /** Some copies cannot be found; looking costs a millisecond, so it is done ever more seldom. */
  #lookForCopy(): void {
    this.#unknown++;
    if ((this.#unknown & (this.#unknown - 1)) === 0) this.#classes.look();
  }

  /** A request that did not pass a `dispatch` of ours: its row is opened while it is on its way. */
  #enterUnheld(request: UndiciRequest, url: URL): void {
    const context = new RequestContext();
    const call = new EnteredCall(this.#calls);
    const sentAt = systemClock.now();
    const open = (body: WholeBody | undefined): void => {
      if (body === undefined) {
        this.#uncounted(url, TOO_LARGE);
        return call.dismiss();
      }
      call.opens(
        context.runInAsyncScope(async () => {
          this.#deps ??= await this.#options.meter();
          const described = this.#describe(url, headersOf(request.headers), body);
          if (described === undefined) return undefined;
          const { failed, ...tried } = this.#retried.begin(described, currentScope(), body);
          call.whenRetryable(failed);
          return openUnheld(this.#deps, this.#request({ ...described, ...tried }), sentAt);
        }),
      );
    };
    const whole = wholeBody(request.body);
    if (whole === null) return call.dismiss();
    const finishBody = whole === undefined ? gatherBody(request, LONGEST_BODY_BYTES, open) : undefined;
    if (!watchRequest(request, new UndiciCallWatcher(call, finishBody === undefined ? { hidesUsage: false } : { hidesUsage: false, beforeEnd: finishBody }), context)) {
      this.#uncounted(url, 'this version of undici is not known');
      return call.dismiss();
    }
    if (whole !== undefined) open(whole);
  }

  #describe(url: URL, headers: Readonly<Record<string, string>>, body: WholeBody): DescribedCall | undefined {
    const text = bodyText(body, headers['content-encoding']);
    if (text === undefined) return undefined;
    const described = describeCall({ method: 'POST', url, headers, body: text }, this.#options.places);
    // Other services have such paths too: what names no model and says nothing to one is none of a model's.
    return described === undefined || (described.asked.model === undefined && described.asked.promptText === '') ? undefined : described;
  }

  #gatewayMark(path: string): Mark {
    return { owner: this, context: new RequestContext(), call: undefined, hidesUsage: false, gatewayHeaders: scopeHeadersFor(path), taken: false };
  }

  #webSocket(request: UndiciRequest): void {
    const url = urlOf(request.path, String(request.origin ?? ''));
    if (url !== null && REALTIME.test(url.pathname)) this.#uncounted(url, 'sessions over WebSockets cannot be read');
  }

  #uncounted(url: URL, reason: string): void {
    const module = callingModule(stackHere());
    const key = `${url.host} ${module ?? ''}`;
    if (this.#toldUncounted.has(key)) return;
    this.#toldUncounted.add(key);
    this.#options.onUncounted({ host: url.host, path: url.pathname, module, reason });
  }

  /** What goes wrong here must not go wrong in the program that is watched. */
  #guarded<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #failed(error: unknown): void {
    this.#options.onFailure?.(error);
  }
}

/** OpenAI's and Gemini's, from their API references. */
const REALTIME = /\/v1\/realtime$|\.BidiGenerateContent$/;

const REFUSALS: ReadonlySet<string> = new Set(['budget_exhausted', 'quota_exhausted', 'too_large', 'config']);

/** Whether the books say that the call may not leave, rather than that they cannot be kept. */
function isRefusal(error: unknown): boolean {
  return AssayError.isInstance(error) && REFUSALS.has(error.code);
}

function addHeaders(request: UndiciRequest, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) request.addHeader?.(name, value);
}
