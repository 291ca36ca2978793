import { AsyncLocalStorage } from 'node:async_hooks';
import type { Scope } from '../core/index.ts';
import type { Tally } from './tally.ts';

interface Frame {
  readonly scope: Scope;
  readonly tallies: readonly Tally[];
}

const EMPTY: Frame = { scope: {}, tallies: [] };
const storage = new AsyncLocalStorage<Frame>();

/** Whom a call made here is charged to. Outside any scope it is empty: the call is `unattributed`. */
export function currentScope(): Scope {
  return (storage.getStore() ?? EMPTY).scope;
}

/** Tallies that a call made here adds to, outermost first. */
export function currentTallies(): readonly Tally[] {
  return (storage.getStore() ?? EMPTY).tallies;
}

/**
 * Runs `fn` with calls charged to `part` on top of the surrounding scope. A branch nests: its path is joined by `/`.
 *
 * @param tally also counts the calls made inside, in this process, without asking the store
 */
export function withScope<T>(part: Scope, fn: () => T, tally?: Tally): T {
  const outer = storage.getStore() ?? EMPTY;
  const branch =
    part.branch !== undefined && outer.scope.branch !== undefined ? `${outer.scope.branch}/${part.branch}` : (part.branch ?? outer.scope.branch);
  const scope: Scope = { ...outer.scope, ...part, ...(branch === undefined ? {} : { branch }) };
  const tallies = tally === undefined ? outer.tallies : [...outer.tallies, tally];
  return storage.run({ scope, tallies }, fn);
}
