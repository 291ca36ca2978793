import { AsyncLocalStorage } from 'node:async_hooks';
import { newId, type Scope } from '../core/index.ts';
import type { CallCounter, Fork } from './call-counter.ts';

/** A scope with the forks of its branches, one for each part of the path: all that another process needs to go on in it. */
export interface CarriedScope {
  readonly scope: Scope;
  /** Outermost first. A branch without one is forked where the scope is entered. */
  readonly forks: readonly Fork[];
}

interface Frame extends CarriedScope {
  readonly tallies: readonly CallCounter[];
  /** Every branch forked so far in this trial, by path: opened again it is the same branch, and its first fork counts. */
  readonly forked: Map<string, Fork>;
}

interface ScopeState {
  readonly storage: AsyncLocalStorage<Frame>;
  /** What calls outside any scope are charged to. */
  root: Frame;
  /** Count every call of the process, in a scope or not. Replaced, never changed. */
  tallies: readonly CallCounter[];
}

const STATE = Symbol.for('assay.scope.1');

// Shared by all copies of the package in this process: the scopes of a program's own copy hold for the meter that watches it.
const shared = globalThis as { [STATE]?: ScopeState };
const state: ScopeState = (shared[STATE] ??= { storage: new AsyncLocalStorage<Frame>(), root: rootFrame({}, []), tallies: [] });

function rootFrame(scope: Scope, forks: readonly Fork[]): Frame {
  return { scope, forks, tallies: [], forked: new Map(forks.map((fork) => [fork.branch, fork])) };
}

function currentFrame(): Frame {
  return state.storage.getStore() ?? state.root;
}

/** Whom a call made here is charged to. Outside any scope it is the process's own, which is empty unless it was set. */
export function currentScope(): Scope {
  return effective(currentFrame());
}

/** Whether a scope was entered here, in this process, on top of the process's own. */
export function inScope(): boolean {
  return currentFrame() !== state.root;
}

/** A scope that was entered before the process got a run of its own belongs to that run all the same. */
function effective({ scope }: Frame): Scope {
  const { root } = state;
  return scope.runId === undefined && root.scope.runId !== undefined ? { ...root.scope, ...scope } : scope;
}

/** What counts a call made here: what counts the whole process, then what counts the scopes it is in, outermost first. */
export function currentTallies(): readonly CallCounter[] {
  const { tallies } = state;
  const own = state.storage.getStore()?.tallies ?? [];
  if (own.length === 0) return tallies;
  return tallies.length === 0 ? own : [...tallies, ...own.filter((tally) => !tallies.includes(tally))];
}

/** Forks of the branches that a call made here is in, outermost first. */
export function currentForks(): readonly Fork[] {
  return currentFrame().forks;
}

/**
 * Sets whom calls outside any scope are charged to, for the whole process (of this thread).
 *
 * @param tally also counts every call made in this process from now on, in a scope or not
 * @param forks of the branches that `scope` is in, where they were forked elsewhere
 * @returns puts back what was there
 */
export function setProcessScope(scope: Scope, tally?: CallCounter, forks: readonly Fork[] = []): () => void {
  const before = state.root;
  state.root = rootFrame(scope, forksTo(scope.branch, { under: undefined, forked: new Map(), given: forks }));
  const stopCounting = tally === undefined ? () => {} : countProcess(tally);
  return () => {
    state.root = before;
    stopCounting();
  };
}

/**
 * Counts every call made in this process (of this thread) from now on, in a scope or not.
 *
 * @returns stops it for calls not yet opened
 */
export function countProcess(tally: CallCounter): () => void {
  if (!state.tallies.includes(tally)) state.tallies = [...state.tallies, tally];
  return () => void (state.tallies = state.tallies.filter((other) => other !== tally));
}

/**
 * Runs `fn` with calls charged to `part` on top of the surrounding scope. A branch nests: its path is joined by `/`. A branch that is
 * opened again in the same trial is the same branch. Another trial, goal or run starts with a trunk of its own.
 *
 * @param tally also counts the calls made inside, in this process, without asking the store
 */
export function withScope<T>(part: Scope, fn: () => T, tally?: CallCounter): T {
  return continueScope({ scope: part, forks: [] }, fn, tally);
}

/** As `withScope`, for a part that came from elsewhere: its branches keep the forks they were given there. */
export function continueScope<T>(part: CarriedScope, fn: () => T, tally?: CallCounter): T {
  return state.storage.run(nested(currentFrame(), part, tally), fn);
}

/** As `continueScope`, but on top of the process's own scope rather than the surrounding one. What counts here still counts. */
export function replaceScope<T>(whole: CarriedScope, fn: () => T): T {
  const { scope, forked } = state.root;
  const base: Frame = { scope: surviving(scope, {}), forks: [], forked, tallies: currentFrame().tallies };
  return state.storage.run(nested(base, whole, undefined), fn);
}

/** The surrounding scope, to go on in it elsewhere. */
export function carryScope(): CarriedScope {
  return { scope: currentScope(), forks: currentForks() };
}

/**
 * Ties a function to the scope it is made in, for queues, pools and event emitters that call it from elsewhere.
 *
 * @example queue.push(bind(() => agent.answer(turn)));
 */
export function bind<This, Args extends unknown[], T>(fn: (this: This, ...args: Args) => T): (this: This, ...args: Args) => T {
  // Outside any scope there is no frame: then it runs outside any, whatever surrounds it.
  const frame = state.storage.getStore() as Frame;
  return function (this: This, ...args: Args) {
    return state.storage.run(frame, () => fn.apply(this, args));
  };
}

function nested(outer: Frame, part: CarriedScope, tally: CallCounter | undefined): Frame {
  const { trial, goalIndex, runId, branch: ownBranch } = part.scope;
  const startsTrunk = trial !== undefined || goalIndex !== undefined || runId !== undefined;
  const around = surviving(outer.scope, part.scope);
  const under = startsTrunk ? undefined : outer.scope.branch;
  const branch = under === undefined ? ownBranch : ownBranch === undefined ? under : `${under}/${ownBranch}`;
  const forked = startsTrunk ? new Map<string, Fork>() : outer.forked;
  const scope: Scope = branch === undefined ? { ...around, ...part.scope } : { ...around, ...part.scope, branch };
  const tallies = tally === undefined || outer.tallies.includes(tally) ? outer.tallies : [...outer.tallies, tally];
  const kept = startsTrunk ? [] : outer.forks;
  if (ownBranch === undefined) return { scope, tallies, forks: kept, forked };
  const known = forked.size;
  const forks = forksTo(ownBranch, { under, forked, given: part.forks });
  const frame: Frame = { scope, tallies, forks: kept.length === 0 ? forks : [...kept, ...forks], forked };
  if (forked.size > known) announce(frame, forks);
  return frame;
}

/** What of the surrounding scope still holds inside; its branch is joined apart. */
function surviving(outer: Scope, part: Scope): Scope {
  const { branch: _branch, ...around } = outer;
  const otherRun = part.runId !== undefined && outer.runId !== undefined && part.runId !== outer.runId;
  const otherGoal = part.goalIndex !== undefined && outer.goalIndex !== undefined && part.goalIndex !== outer.goalIndex;
  if (!otherRun && !otherGoal) return around;
  const { goalIndex: _goal, attemptKey: _attempt, trial: _trial, ...still } = around;
  return still;
}

/** The forks of every branch on a path, those outside `under` apart: known ones, else given ones, else drawn now. */
function forksTo(path: string | undefined, { under, forked, given }: { readonly under: string | undefined; readonly forked: Map<string, Fork>; readonly given: readonly Fork[] }): Fork[] {
  if (path === undefined) return [];
  const forks: Fork[] = [];
  const parts = path.includes('/') ? pathsTo(path) : [path];
  for (const part of parts) {
    const branch = under === undefined ? part : `${under}/${part}`;
    let fork = forked.get(branch);
    if (fork === undefined) {
      fork = { branch, id: given.find((other) => other.branch === part)?.id ?? newId() };
      forked.set(branch, fork);
    }
    forks.push(fork);
  }
  return forks;
}

/** `a/b/c` → `a`, `a/b`, `a/b/c`: every branch that a path is in, outermost first. */
export function pathsTo(branch: string): string[] {
  const paths: string[] = [];
  for (let end = branch.indexOf('/'); end >= 0; end = branch.indexOf('/', end + 1)) paths.push(branch.slice(0, end));
  paths.push(branch);
  return paths;
}

function announce(frame: Frame, forks: readonly Fork[]): void {
  const { tallies } = state;
  if (tallies.length === 0 && frame.tallies.length === 0) return;
  const scope = effective(frame);
  const tell = (tally: CallCounter): void => {
    for (const fork of forks) tally.forked?.(scope, fork);
  };
  for (const tally of tallies) tell(tally);
  for (const tally of frame.tallies) if (!tallies.includes(tally)) tell(tally);
}
