import { types } from 'node:util';
import { bind } from '../ledger/index.ts';

/** What advances an iterator or a stream, or makes what does. */
const ADVANCING = ['next', 'return', 'throw', 'read', 'getReader', 'pipeTo', 'pipeThrough', 'tee', Symbol.asyncIterator] as const;
/** Of these, what makes another thing that advances it. */
const MAKING: readonly PropertyKey[] = ['getReader', Symbol.asyncIterator];

const kept = new WeakSet<object>();

/**
 * The body of a generator runs when somebody asks for its next value, in the scope of whoever asks; so does a stream that makes its
 * calls as it is read. Ties what `fn` returned to the surrounding scope, wherever it is consumed. All else is returned as it is.
 */
export function keepIteration<T>(result: T): T {
  if (typeof result !== 'object' || result === null) return result;
  // Only plain promises: an SDK's own kind of promise has methods that callers need, and starts its request by itself.
  if (types.isPromise(result)) return Object.getPrototypeOf(result) === Promise.prototype ? (result.then(keepIteration) as T) : result;
  if (advances(result)) keep(result);
  return result;
}

function advances(value: object): boolean {
  return Symbol.asyncIterator in value || types.isGeneratorObject(value);
}

/** The innermost scope, which is the first to see it, stays. */
function keep(value: object): void {
  if (kept.has(value) || !Object.isExtensible(value)) return;
  kept.add(value);
  for (const name of ADVANCING) {
    const method: unknown = Reflect.get(value, name);
    if (typeof method !== 'function') continue;
    const bound = bind(function (this: unknown, ...args: unknown[]): unknown {
      const made: unknown = Reflect.apply(method, this, args);
      if (MAKING.includes(name) && typeof made === 'object' && made !== null) keep(made);
      return made;
    });
    Reflect.defineProperty(value, name, { value: bound, writable: true, configurable: true, enumerable: false });
  }
}
