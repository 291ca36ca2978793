import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import type { Dispatcher } from 'undici';

/** As each undici knows its own: `dispatch(options, handler)`. */
export type Dispatch = (this: Dispatcher, options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => boolean;

/** Where undici keeps its global dispatcher, by the version of its handlers (undici, lib/global.js; 1 is Node's built-in fetch and undici up to 7). */
const GLOBALS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')];
const CONNECTED = 'undici:client:connected';
/** The class that sends, as Node's cache of CommonJS modules names its file. */
const CLASS_FILE = /[\\/]undici[\\/]lib[\\/](?:dispatcher[\\/])?dispatcher-base\.js$/;

const announced: object[] = [];
const atWork = new Set<UndiciClasses>();

/** Says that there is a copy of undici, by any of its dispatchers or their prototype. */
export function announceDispatcher(dispatcher: object): void {
  announced.push(dispatcher);
  for (const classes of atWork) classes.add(dispatcher);
}

/** Node's own (lib/internal/bootstrap/web/exposed-window-or-worker.js), not a program's replacement. */
const IS_NODES_FETCH = /^function fetch\(input, init/;

interface Wrapped {
  readonly prototype: object;
  readonly original: Dispatch;
  readonly wrapper: Dispatch;
}

/**
 * Wraps the `dispatch` that all dispatchers of one copy of undici inherit, of every copy that can be found: agents, pools, clients and proxies
 * made before or later, global or handed to single requests. A process may hold several copies: Node's built-in one, the program's, its
 * libraries'.
 *
 * A copy is found by the global dispatcher (also one that is set later), in Node's cache of loaded modules, or by the first connection that
 * one of its clients makes.
 */
export class UndiciClasses {
  readonly #wrap: (original: Dispatch) => Dispatch;
  readonly #wrapped: Wrapped[] = [];
  readonly #known = new WeakSet<object>();
  readonly #undo: (() => void)[] = [];
  #looking = false;
  readonly #onConnected: (message: unknown) => void;
  #removed = false;

  constructor(wrap: (original: Dispatch) => Dispatch) {
    this.#wrap = wrap;
    this.#onConnected = (message) => this.#ofConnection(message);
    subscribe(CONNECTED, this.#onConnected);
    for (const name of GLOBALS) this.#trap(name);
    this.#trapFetch();
    for (const dispatcher of announced) this.add(dispatcher);
    atWork.add(this);
    this.look();
  }

  /** Looks for copies that have come since. */
  look(): void {
    if (this.#removed || this.#looking) return;
    this.#looking = true;
    for (const name of GLOBALS) this.add((globalThis as Record<symbol, unknown>)[name]);
    const cache = createRequire(import.meta.url).cache;
    for (const file in cache) {
      if (!CLASS_FILE.test(file)) continue;
      const exported: unknown = cache[file]?.exports;
      if (typeof exported === 'function') this.add(exported.prototype);
    }
    this.#looking = false;
  }

  /** Wraps the class behind a dispatcher, or behind its prototype. What is no dispatcher is passed over. */
  add(dispatcher: unknown): void {
    const prototype = dispatchingPrototype(dispatcher);
    if (prototype === undefined || this.#removed || this.#known.has(prototype)) return;
    this.#known.add(prototype);
    const descriptor = Object.getOwnPropertyDescriptor(prototype, 'dispatch')!;
    const original = descriptor.value as Dispatch;
    const wrapper = this.#wrap(original);
    try {
      Object.defineProperty(prototype, 'dispatch', { ...descriptor, value: wrapper });
    } catch {
      // Frozen: its calls are still seen on the diagnostics channel.
      return;
    }
    this.#wrapped.push({ prototype, original, wrapper });
  }

  remove(): void {
    this.#removed = true;
    atWork.delete(this);
    unsubscribe(CONNECTED, this.#onConnected);
    for (const { prototype, original, wrapper } of this.#wrapped) {
      // Somebody may have wrapped it once more since; then the wrapper stays and lets all pass.
      if (Object.getOwnPropertyDescriptor(prototype, 'dispatch')?.value === wrapper) Object.defineProperty(prototype, 'dispatch', { value: original });
    }
    for (const undo of this.#undo) undo();
  }

  /**
   * Notices that some undici is being loaded: it looks whether there is a global dispatcher, and defines one itself where there is none, which
   * replaces this property.
   */
  #trap(name: symbol): void {
    if (name in globalThis || !Object.isExtensible(globalThis)) return;
    const get = (): undefined => {
      if (this.#looking) return undefined;
      // Its classes are there already, in Node's cache; its global dispatcher will be once this has returned.
      this.look();
      queueMicrotask(() => this.look());
      return undefined;
    };
    const set = (value: unknown): void => {
      Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
      this.add(value);
    };
    Object.defineProperty(globalThis, name, { configurable: true, enumerable: false, get, set });
    this.#undo.push(() => {
      if (Object.getOwnPropertyDescriptor(globalThis, name)?.get === get) delete (globalThis as Record<symbol, unknown>)[name];
    });
  }

  /**
   * Node loads its own undici at the first `fetch`, and sends within the same turn: too soon to look for it afterwards. So the first one loads it
   * a moment earlier, as it would anyway.
   */
  #trapFetch(): void {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
    const original: unknown = descriptor?.value;
    if (descriptor?.configurable !== true || typeof original !== 'function' || !IS_NODES_FETCH.test(Function.prototype.toString.call(original))) return;
    const giveBack = (): void => {
      if (globalThis.fetch === shim) Object.defineProperty(globalThis, 'fetch', descriptor);
    };
    let first = true;
    const look = (): void => this.look();
    const shim: typeof globalThis.fetch = function fetch(this: unknown, ...args) {
      if (first) {
        first = false;
        giveBack();
        void globalThis.Headers;
        look();
      }
      return Reflect.apply(original, this, args) as Promise<Response>;
    };
    Object.defineProperty(shim, 'length', { value: original.length, configurable: true });
    Object.defineProperty(globalThis, 'fetch', { ...descriptor, value: shim });
    this.#undo.push(giveBack);
  }

  /** A client marks its sockets with itself, under a symbol of its own (undici, lib/dispatcher/client-h1.js and client-h2.js). */
  #ofConnection(message: unknown): void {
    const socket = (message as { readonly socket?: unknown } | undefined)?.socket;
    if (typeof socket !== 'object' || socket === null) return;
    for (const symbol of Object.getOwnPropertySymbols(socket)) {
      if (symbol.description !== 'client' && symbol.description !== 'parser') continue;
      const holder = (socket as Record<symbol, unknown>)[symbol];
      this.add(holder);
      if (typeof holder === 'object' && holder !== null && 'client' in holder) this.add(holder.client);
    }
  }
}

/**
 * The prototype whose `dispatch` sends: that of undici's `DispatcherBase`, known by its state's getters, as names may be minified. What stands on
 * `Dispatcher` alone (a retrying agent, wrappers, a program's own) hands each request that it makes of one to such a class.
 */
function dispatchingPrototype(dispatcher: unknown): object | undefined {
  if (typeof dispatcher !== 'object' || dispatcher === null) return undefined;
  for (let at: object | null = dispatcher; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const own = (name: string): PropertyDescriptor | undefined => Object.getOwnPropertyDescriptor(at, name);
    if (typeof own('dispatch')?.value === 'function' && own('destroyed')?.get !== undefined && own('closed')?.get !== undefined) return at;
  }
  return undefined;
}
