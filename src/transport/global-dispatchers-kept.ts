/** Where undici keeps its global dispatcher (undici, lib/global.js). */
const GLOBALS: ReadonlySet<PropertyKey> = new Set([Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')]);

const define = Object.defineProperty;

// A copy of undici that finds no global dispatcher of its version when it is loaded sets its own, also in the place where Node's fetch and older
// versions look for theirs: then the program's own fetch would go out through ours, or lose the proxy that it was given. Where it cannot set
// one, undici 8 keeps its dispatcher to itself.
const refusing: typeof Object.defineProperty = (target, key, descriptor) => {
  if ((target as unknown) === globalThis && GLOBALS.has(key)) throw new TypeError('the global dispatchers are the program’s own');
  return define(target, key, descriptor);
};

if (Object.getOwnPropertyDescriptor(Object, 'defineProperty')?.writable === true) Object.defineProperty = refusing;

/** Ends it: from now on a program may set global dispatchers again. */
export function giveBackGlobalDispatchers(): void {
  if (Object.defineProperty === refusing) Object.defineProperty = define;
}
