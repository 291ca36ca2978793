import type { Dispatcher } from 'undici';

/** A caller's handler, of whichever version: `onConnect`, `onHeaders`, … up to undici 7, `onRequestStart`, `onResponseStart`, … since. */
export type AnyHandler = Readonly<Record<string, ((...args: never[]) => unknown) | undefined>>;

/** A caller's handler while its request waits, and from then on what undici is given in its place. */
export interface HeldHandler {
  /** To be given to undici. */
  readonly handler: Dispatcher.DispatchHandler;
  /** Aborts when the caller does so before undici has the request. */
  readonly signal: AbortSignal;
  /** Tells the caller that the request has begun: from now on it can be aborted. Called once, before it waits. */
  begin(): void;
  /** Ends the request without its having left. */
  fail(error: unknown): void;
  /** Called when undici has no more to say, with what went wrong, if anything did; before the caller is told. */
  onOver: (error?: unknown) => void;
}

/** Stands in for a handler; `undefined` for what undici would refuse as one. */
export function holdHandler(given: unknown): HeldHandler | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const handler = given as AnyHandler;
  const has = (...names: readonly string[]): boolean => names.every((name) => typeof handler[name] === 'function');
  if (has('onRequestStart', 'onResponseStart', 'onResponseData', 'onResponseEnd', 'onResponseError')) return new HeldRequest(given);
  if (handler['onRequestStart'] === undefined && has('onConnect', 'onHeaders', 'onData', 'onComplete', 'onError')) return new HeldConnection(given);
  return undefined;
}

/** As undici's own, for a caller who gave no reason. */
function aborted(): Error {
  return Object.assign(new Error('Request aborted'), { name: 'AbortError', code: 'UND_ERR_ABORTED' });
}

/** What undici calls on the way. Callers may leave out what is optional. */
type Callbacks<Names extends string> = { [Name in Names]?: (...args: readonly unknown[]) => unknown };
type OldHandler = Callbacks<'onConnect' | 'onHeaders' | 'onData' | 'onComplete' | 'onError' | 'onUpgrade' | 'onResponseStarted' | 'onBodySent' | 'onRequestSent'>;
type NewHandler = Callbacks<'onRequestStart' | 'onResponseStart' | 'onResponseData' | 'onResponseEnd' | 'onResponseError' | 'onRequestUpgrade' | 'onResponseStarted' | 'onBodySent' | 'onRequestSent'>;

/** Holds a handler of undici up to 7. All but the beginning passes as it is. */
class HeldConnection implements HeldHandler {
  onOver: (error?: unknown) => void = () => {};
  readonly #given: OldHandler;
  readonly #abort = new AbortController();
  #over = false;
  #reason: unknown;
  #abortSent: ((reason?: unknown) => void) | undefined;

  constructor(given: object) {
    this.#given = given;
  }

  get handler(): Dispatcher.DispatchHandler {
    const given = this.#given;
    const stand: OldHandler = {
      onConnect: (abort) => {
        this.#abortSent = abort as (reason?: unknown) => void;
        if (this.#abort.signal.aborted) this.#abortSent(this.#reason);
      },
      onHeaders: (...args) => given.onHeaders?.(...args),
      onData: (chunk) => given.onData?.(chunk),
      onComplete: (trailers) => {
        this.onOver();
        return given.onComplete?.(trailers);
      },
      onError: (error) => {
        this.onOver(error);
        if (!this.#over) given.onError?.(error);
      },
      onUpgrade: (...args) => given.onUpgrade?.(...args),
      onResponseStarted: () => given.onResponseStarted?.(),
      onBodySent: (chunk) => given.onBodySent?.(chunk),
      onRequestSent: () => given.onRequestSent?.(),
    };
    return stand;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  begin(): void {
    const abort = (reason?: unknown): void => {
      if (this.#abortSent !== undefined) return this.#abortSent(reason);
      if (this.#abort.signal.aborted || this.#over) return;
      this.#reason = reason;
      this.#abort.abort(reason);
      this.fail(reason ?? aborted());
    };
    try {
      this.#given.onConnect?.(abort, null);
    } catch (error) {
      abort(error);
    }
  }

  fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#given.onError?.(error);
  }
}

/** What undici hands to the callbacks of its newer handlers. */
interface Controller {
  readonly aborted: boolean;
  readonly reason: unknown;
  readonly paused: boolean;
  rawHeaders?: unknown;
  rawTrailers?: unknown;
  pause(): void;
  resume(): void;
  abort(reason?: unknown): void;
}

/** The controller that a caller sees from the beginning on; it speaks for undici's own as soon as there is one. */
class HeldController implements Controller {
  readonly #onAbort: (reason: unknown) => void;
  #target: Controller | undefined;
  #paused = false;
  #aborted = false;
  #reason: unknown = null;

  constructor(onAbort: (reason: unknown) => void) {
    this.#onAbort = onAbort;
  }

  /** A request that is sent again gets another. */
  link(target: Controller): void {
    this.#target = target;
    if (this.#aborted) target.abort(this.#reason);
    else if (this.#paused) target.pause();
  }

  get aborted(): boolean {
    return this.#target?.aborted ?? this.#aborted;
  }
  get reason(): unknown {
    return this.#target?.reason ?? this.#reason;
  }
  get paused(): boolean {
    return this.#target?.paused ?? this.#paused;
  }
  get rawHeaders(): unknown {
    return this.#target?.rawHeaders ?? null;
  }
  set rawHeaders(headers: unknown) {
    if (this.#target !== undefined) this.#target.rawHeaders = headers;
  }
  get rawTrailers(): unknown {
    return this.#target?.rawTrailers ?? null;
  }
  set rawTrailers(trailers: unknown) {
    if (this.#target !== undefined) this.#target.rawTrailers = trailers;
  }

  pause(): void {
    this.#paused = true;
    this.#target?.pause();
  }
  resume(): void {
    this.#paused = false;
    this.#target?.resume();
  }
  abort(reason?: unknown): void {
    if (this.#target !== undefined) return this.#target.abort(reason);
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#onAbort(reason);
  }
}

/** Holds a handler of undici since 7. */
class HeldRequest implements HeldHandler {
  onOver: (error?: unknown) => void = () => {};
  readonly #given: NewHandler;
  readonly #abort = new AbortController();
  readonly #controller: HeldController;
  #over = false;

  constructor(given: object) {
    this.#given = given;
    this.#controller = new HeldController((reason) => {
      if (this.#over) return;
      this.#abort.abort(reason);
      this.fail(reason ?? aborted());
    });
  }

  get handler(): Dispatcher.DispatchHandler {
    const given = this.#given;
    const controller = this.#controller;
    const stand: NewHandler = {
      onRequestStart: (sent) => controller.link(sent as Controller),
      onRequestUpgrade: (_sent, ...args) => given.onRequestUpgrade?.(controller, ...args),
      onResponseStart: (_sent, ...args) => given.onResponseStart?.(controller, ...args),
      onResponseData: (_sent, chunk) => given.onResponseData?.(controller, chunk),
      onResponseEnd: (_sent, trailers) => {
        this.onOver();
        return given.onResponseEnd?.(controller, trailers);
      },
      onResponseError: (_sent, error) => {
        this.onOver(error);
        if (!this.#over) given.onResponseError?.(controller, error);
      },
      onResponseStarted: () => given.onResponseStarted?.(),
      onBodySent: (chunk) => given.onBodySent?.(chunk),
      onRequestSent: () => given.onRequestSent?.(),
    };
    return stand;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  begin(): void {
    try {
      this.#given.onRequestStart?.(this.#controller, null);
    } catch (error) {
      this.#controller.abort(error);
    }
  }

  fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#given.onResponseError?.(this.#controller, error);
  }
}
