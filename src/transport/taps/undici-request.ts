import { AsyncResource } from 'node:async_hooks';

/** undici's own view of one physical request, as its `undici:request:create` channel hands it out. */
export interface UndiciRequest {
  readonly method: string;
  /** With its query; a whole address where it goes through a proxy without a tunnel. */
  readonly path: string;
  readonly origin: string | URL | undefined;
  readonly headers: unknown;
  /** A `Buffer`, what is streamed, or `null`. */
  readonly body: unknown;
  readonly upgrade?: string | null;
  addHeader?(name: string, value: string): unknown;
}

/** What becomes of one physical request. */
export interface RequestWatcher {
  /** It is about to be written. */
  start(): void;
  /** Its answer's head, informational ones left out. Headers as undici has them. */
  head(httpStatus: number, headers: unknown): void;
  /** @returns what the caller is to get, the same bytes or fewer */
  data(chunk: Uint8Array): Uint8Array;
  /** @returns what was held back and is still to be given to the caller */
  end(): Uint8Array | undefined;
  /** @param byCaller the caller aborted it, rather than its connection */
  error(error: unknown, outcome: { readonly byCaller: boolean; readonly started: boolean }): void;
}

/** The context in which a request was made. On a connection that is used again its callbacks come in another request's. */
export class RequestContext extends AsyncResource {
  constructor() {
    super('ASSAY_CALL', { requireManualDestroy: true });
  }
}

type Method = (this: UndiciRequest, ...args: readonly unknown[]) => unknown;
interface Names {
  readonly start: string;
  readonly head: string;
  readonly data: string;
  readonly end: string;
  readonly error: string;
  readonly upgrade: string;
}

/** The methods by which a client tells its requests what happens, with the same arguments in all versions (undici, lib/core/request.js). */
const SINCE_8: Names = { start: 'onRequestStart', head: 'onResponseStart', data: 'onResponseData', end: 'onResponseEnd', error: 'onResponseError', upgrade: 'onRequestUpgrade' };
const UP_TO_7: Names = { start: 'onConnect', head: 'onHeaders', data: 'onData', end: 'onComplete', error: 'onError', upgrade: 'onUpgrade' };

/**
 * Tells of what happens to a request, and passes everything on, with the client's return values that hold back a connection.
 *
 * @returns whether it could: not where this undici is of a kind that is not known
 */
export function watchRequest(request: UndiciRequest, watcher: RequestWatcher, context: RequestContext): boolean {
  const methods = request as unknown as Record<string, Method | undefined>;
  const names = typeof methods[SINCE_8.start] === 'function' ? SINCE_8 : UP_TO_7;
  const { start, head, data, end, error, upgrade } = {
    start: methods[names.start],
    head: methods[names.head],
    data: methods[names.data],
    end: methods[names.end],
    error: methods[names.error],
    upgrade: methods[names.upgrade],
  };
  if (start === undefined || head === undefined || data === undefined || end === undefined || error === undefined) return false;
  let byCaller = false;
  let started = false;

  methods[names.start] = function (abort, ...rest) {
    started = true;
    watcher.start();
    const noting = (reason?: unknown): void => {
      byCaller = true;
      (abort as (reason?: unknown) => void)(reason);
    };
    return context.runInAsyncScope(start, this, noting, ...rest);
  };
  methods[names.head] = function (httpStatus, headers, ...rest) {
    if ((httpStatus as number) >= 200) watcher.head(httpStatus as number, headers);
    return context.runInAsyncScope(head, this, httpStatus, headers, ...rest);
  };
  methods[names.data] = function (chunk) {
    const given = watcher.data(chunk as Uint8Array);
    // Nothing to give: nothing that could be too much.
    if (given.length === 0) return true;
    return context.runInAsyncScope(data, this, given);
  };
  methods[names.end] = function (trailers) {
    const rest = watcher.end();
    if (rest !== undefined && rest.length > 0) context.runInAsyncScope(data, this, rest);
    return context.runInAsyncScope(end, this, trailers);
  };
  methods[names.error] = function (reason, ...rest) {
    watcher.error(reason, { byCaller, started });
    return context.runInAsyncScope(error, this, reason, ...rest);
  };
  if (upgrade !== undefined) {
    methods[names.upgrade] = function (...args) {
      watcher.head(args[0] as number, args[1]);
      watcher.end();
      return context.runInAsyncScope(upgrade, this, ...args);
    };
  }
  return true;
}

/** Gathers a body that is streamed, as it is sent. `sent` is called once, when it is out or will not come any further. */
export function gatherBody(request: UndiciRequest, longest: number, sent: (body: Buffer | undefined) => void): () => void {
  const methods = request as unknown as Record<string, Method | undefined>;
  const { onBodySent, onRequestSent } = methods;
  const pieces: Buffer[] = [];
  let size = 0;
  let done = false;
  const finish = (): void => {
    if (done) return;
    done = true;
    sent(size > longest ? undefined : Buffer.concat(pieces));
  };
  methods['onBodySent'] = function (chunk) {
    if (!done && (chunk instanceof Uint8Array || typeof chunk === 'string')) {
      size += chunk.length;
      if (size > longest) pieces.length = 0;
      else pieces.push(Buffer.from(chunk as Uint8Array));
    }
    return onBodySent?.call(this, chunk);
  };
  methods['onRequestSent'] = function () {
    finish();
    return onRequestSent?.call(this);
  };
  return finish;
}
