import type { Scope } from '../core/index.ts';
import { currentScope } from '../ledger/index.ts';
import type { Store, WriteOp } from '../store/contract.ts';

/** Writes that say how runs, goals and attempts stand. */
const TELLING: ReadonlySet<WriteOp['op']> = new Set(['run.update', 'goal.finalize', 'attempt.finish']);

/**
 * The same store, with someone who is told of what is committed through it.
 *
 * @param told with the scope that the write was asked for in
 */
export function watchedStore(store: Store, told: (op: WriteOp, scope: Scope) => void): Store {
  const write = async (...ops: readonly WriteOp[]): Promise<void> => {
    const telling = ops.filter(({ op }) => TELLING.has(op));
    const scope = telling.length === 0 ? {} : currentScope();
    await store.write(...ops);
    for (const op of telling) told(op, scope);
  };
  const bound = new Map<PropertyKey, unknown>([['write', write]]);
  // Every other method is the store's own, called on itself: it keeps its state in private fields.
  return new Proxy(store, {
    get: (target, key) => {
      if (bound.has(key)) return bound.get(key);
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      const method: unknown = member.bind(target);
      bound.set(key, method);
      return method;
    },
  });
}
