import type { Dispatcher } from 'undici';
import type { EnteredCall } from './entered-call.ts';
import { IN_THE_BOOKS } from './metered-mark.ts';
import type { Dispatch } from './undici-classes.ts';
import type { RequestContext } from './undici-request.ts';

/** A dispatch that is in somebody's books, from there down to the physical request. Under this key in its options. */
const MARK: unique symbol = Symbol.for('assay.undici-dispatch.1') as never;

export interface Mark {
  readonly owner: unknown;
  readonly context: RequestContext;
  /** The call whose row is open; `undefined` where requests are only to be given headers for a gateway. */
  readonly call: EnteredCall | undefined;
  readonly hidesUsage: boolean;
  readonly gatewayHeaders: Readonly<Record<string, string>> | undefined;
  /** It has its physical request. Another one under the same dispatch (a redirect that an old undici follows) is a call of its own. */
  taken: boolean;
}

/** Shared by all taps of a process, of all copies of the package. */
export interface TapsState {
  /**
   * What is being dispatched now: requests that are created meanwhile are its. `books`: somebody else has entered it. `seen`: it is not to be
   * held. `undefined`: it passed no `dispatch` that is known.
   */
  dispatching: Mark | 'books' | 'seen' | undefined;
  /** Taps that are on. What passed none of their `dispatch`es is entered once: by the one that was installed last. */
  readonly installed: unknown[];
}

const STATE = Symbol.for('assay.undici-taps.1');
/** What all taps share. */
export const state: TapsState = ((globalThis as { [STATE]?: TapsState })[STATE] ??= { dispatching: undefined, installed: [] });

/** Options of a dispatch, with what is known of it. */
export type Options = Dispatcher.DispatchOptions & { readonly [MARK]?: Mark; readonly [IN_THE_BOOKS]?: true };

/** Whether a dispatch may be a call of a model. */
export function isPost(options: unknown): options is Options {
  return typeof options === 'object' && options !== null && (options as Options).method === 'POST' && typeof (options as Options).path === 'string';
}

/** Goes on with a dispatch, and lets whoever sees its requests made know whose they are. */
export function dispatchAs(mark: Mark | 'books' | 'seen', original: Dispatch, dispatcher: Dispatcher, options: Options, handler: Dispatcher.DispatchHandler): boolean {
  const outer = state.dispatching;
  state.dispatching = mark;
  try {
    const marked = typeof mark === 'string' || options[MARK] === mark ? options : ({ ...options, [MARK]: mark } as Options);
    return original.call(dispatcher, marked, handler);
  } finally {
    state.dispatching = outer;
  }
}

const poolsOf = new WeakMap<Dispatcher, ReadonlyMap<unknown, unknown> | undefined>();

/**
 * Whether an agent has a mock for an origin (undici, lib/mock/): a pool with a `dispatch` of its own. What that answers never leaves; what it lets
 * through comes by again.
 */
export function isMocked(dispatcher: Dispatcher, origin: string): boolean {
  if (!poolsOf.has(dispatcher)) {
    const pools = ofSymbol(dispatcher, 'clients');
    poolsOf.set(dispatcher, pools instanceof Map ? pools : undefined);
  }
  const entry = poolsOf.get(dispatcher)?.get(origin) as { readonly dispatcher?: unknown } | undefined;
  const pool: unknown = entry?.dispatcher ?? entry;
  return typeof pool === 'object' && pool !== null && Object.hasOwn(pool, 'dispatch');
}

function ofSymbol(dispatcher: Dispatcher, description: string): unknown {
  const key = Object.getOwnPropertySymbols(dispatcher).find((symbol) => symbol.description === description);
  return key === undefined ? undefined : (dispatcher as unknown as Record<symbol, unknown>)[key];
}

const ownOrigins = new WeakMap<Dispatcher, string | undefined>();

/** Where a dispatch goes: a pool or client that serves one origin need not be told it. */
export function originOf(options: Options, dispatcher: Dispatcher): string | undefined {
  const given = options.origin;
  if (typeof given === 'string' && given !== '') return given.endsWith('/') ? given.slice(0, -1) : given;
  if (given instanceof URL) return given.origin;
  if (!ownOrigins.has(dispatcher)) ownOrigins.set(dispatcher, ownOrigin(dispatcher));
  return ownOrigins.get(dispatcher);
}

function ownOrigin(dispatcher: Dispatcher): string | undefined {
  const own = ofSymbol(dispatcher, 'url');
  return own instanceof URL ? own.origin : undefined;
}

const MOST_URLS = 200;
const urls = new Map<string, URL | null>();

/** Programs ask the same few addresses again and again. */
export function urlOf(path: string, origin: string): URL | null {
  const text = path.startsWith('/') ? origin + path : path;
  let url = urls.get(text);
  if (url === undefined) {
    url = URL.parse(text);
    if (urls.size === MOST_URLS) urls.clear();
    urls.set(text, url);
  }
  return url;
}


/** What is known of a dispatch by its options. */
export function markOf(options: Options): Mark | 'books' | undefined {
  return options[MARK] ?? (options[IN_THE_BOOKS] === true ? 'books' : undefined);
}

/** The same options, marked. */
export function marked(options: Options, mark: Mark | 'books'): Options {
  return { ...options, ...(mark === 'books' ? { [IN_THE_BOOKS]: true } : { [MARK]: mark }) };
}
