import type { CallIntent, Scope } from '../core/index.ts';
import type { Fork } from './call-counter.ts';
import { RunningSums, TRUNK, type BranchUsage, type CallShare } from './llm-usage.ts';
import { pathsTo } from './scope.ts';

/** One branch of one trial. The trunk's path is empty. */
interface Branch {
  readonly path: string;
  readonly parent: Branch | undefined;
  /** What calls there were; sums are made at the first. */
  own: RunningSums | undefined;
  /** What of `own` is no longer among the recent calls. */
  aged: RunningSums | undefined;
  /** Its parent's calls from before its fork. */
  before: RunningSums | undefined;
  fork: string | undefined;
  /** Those with a fork, in the order of their forks. */
  forks: Branch[] | undefined;
}

/** One run, goal and trial: it has a trunk of its own. */
interface Trial {
  readonly branches: Map<string, Branch>;
  counted: boolean;
  /** Calls opened and not yet closed. */
  open: number;
}

interface Recent {
  readonly id: string;
  readonly branch: Branch;
  readonly share: CallShare;
}

/** Sums of one path over all trials. */
interface PathSums {
  readonly own: RunningSums;
  readonly preFork: RunningSums;
  forkKnown: boolean;
}

/** Trials kept apart. Beyond these the ones idle longest are only summed: a fork in one of them, should it go on, misses what came before. */
const MOST_TRIALS = 4_096;
const FOLDED_AT_ONCE = 1_024;
/** Settled calls kept one by one, for forks that are heard of late. */
const MOST_RECENT = 512;

/**
 * Sums by branch, with what came before each fork. Calls settle in any order, and after a fork that they precede: what is pre-fork is
 * told by ids. A fork told when it happens is exact; one told later (it came from another thread) is exact unless more calls settled
 * in between than are kept.
 */
export class BranchBooks {
  readonly #trials = new Map<string, Trial>();
  readonly #past = new Map<string, PathSums>();
  readonly #recent: Recent[] = [];
  #nextRecent = 0;

  /** A branch left its trunk; the first fork of a branch counts. */
  fork(scope: Scope, { branch: path, id }: Fork): void {
    const branch = branchOf(this.#trial(scope), path);
    if (branch.fork !== undefined || branch.parent === undefined) return;
    branch.fork = id;
    const { parent } = branch;
    if (parent.aged !== undefined) branch.before = new RunningSums().add(parent.aged);
    if (parent.own !== undefined) for (const recent of this.#recent) if (recent.branch === parent && recent.id < id) (branch.before ??= new RunningSums()).addCall(recent.share);
    const siblings = (parent.forks ??= []);
    let at = siblings.length;
    while (at > 0 && siblings[at - 1]!.fork! > id) at--;
    siblings.splice(at, 0, branch);
  }

  open({ scope }: CallIntent, forks: readonly Fork[]): void {
    this.#trial(scope).open++;
    for (const fork of forks) this.fork(scope, fork);
  }

  close({ scope }: CallIntent): void {
    const trial = this.#trials.get(trialKey(scope));
    if (trial !== undefined && trial.open > 0) trial.open--;
  }

  add({ id, scope }: CallIntent, share: CallShare): void {
    const trial = this.#trial(scope);
    trial.counted = true;
    const branch = branchOf(trial, scope.branch ?? '');
    (branch.own ??= new RunningSums()).addCall(share);
    // Forks are in order, and most calls began after the last of them.
    const forks = branch.forks ?? [];
    for (let at = forks.length - 1; at >= 0 && forks[at]!.fork! > id; at--) (forks[at]!.before ??= new RunningSums()).addCall(share);
    this.#remember({ id, branch, share });
  }

  /** By path; a branch without calls, in it or inside it, is left out. */
  byBranch(): Record<string, BranchUsage> {
    const sums = new Map([...this.#past].map(([path, past]) => [path, copyOf(past)]));
    for (const trial of this.#trials.values()) addTrial(sums, trial);
    return Object.fromEntries([...sums].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([path, { own, preFork, forkKnown }]) => [path === '' ? TRUNK : path, { own: own.toSums(), inclusive: inclusive(sums, path).toSums(), pre_fork: forkKnown ? preFork.toSums() : null }]));
  }

  #trial(scope: Scope): Trial {
    const key = trialKey(scope);
    let trial = this.#trials.get(key);
    if (trial === undefined) {
      trial = { branches: new Map(), counted: false, open: 0 };
      this.#trials.set(key, trial);
      if (this.#trials.size > MOST_TRIALS + FOLDED_AT_ONCE) this.#fold();
    }
    return trial;
  }

  /** Makes room in one pass, now and then: the oldest idle trials are summed up. */
  #fold(): void {
    for (const [key, trial] of this.#trials) {
      if (this.#trials.size <= MOST_TRIALS) return;
      if (trial.open > 0) continue;
      this.#trials.delete(key);
      addTrial(this.#past, trial);
    }
  }

  #remember(recent: Recent): void {
    const oldest = this.#recent[this.#nextRecent];
    if (oldest !== undefined) (oldest.branch.aged ??= new RunningSums()).addCall(oldest.share);
    this.#recent[this.#nextRecent] = recent;
    this.#nextRecent = (this.#nextRecent + 1) % MOST_RECENT;
  }
}

function trialKey({ runId, goalIndex, trial }: Scope): string {
  return `${runId ?? ''}|${goalIndex ?? ''}|${trial ?? ''}`;
}

function branchOf(trial: Trial, path: string): Branch {
  const known = trial.branches.get(path);
  if (known !== undefined) return known;
  const parent = path === '' ? undefined : branchOf(trial, path.slice(0, Math.max(0, path.lastIndexOf('/'))));
  const branch: Branch = { path, parent, own: undefined, aged: undefined, before: undefined, fork: undefined, forks: undefined };
  trial.branches.set(path, branch);
  return branch;
}

function addTrial(sums: Map<string, PathSums>, trial: Trial): void {
  if (!trial.counted) return;
  const shown = new Set<string>();
  for (const { path, own } of trial.branches.values()) if (own !== undefined) for (const each of ['', ...(path === '' ? [] : pathsTo(path))]) shown.add(each);
  for (const path of shown) {
    const branch = trial.branches.get(path)!;
    let sum = sums.get(path);
    if (sum === undefined) sums.set(path, (sum = { own: new RunningSums(), preFork: new RunningSums(), forkKnown: true }));
    if (branch.own !== undefined) sum.own.add(branch.own);
    for (let at: Branch = branch; at.parent !== undefined; at = at.parent) {
      if (at.before !== undefined) sum.preFork.add(at.before);
      if (at.fork === undefined) sum.forkKnown = false;
    }
  }
}

function inclusive(sums: ReadonlyMap<string, PathSums>, path: string): RunningSums {
  const all = new RunningSums();
  for (const [other, { own }] of sums) if (path === '' || other === path || other.startsWith(`${path}/`)) all.add(own);
  return all;
}

function copyOf({ own, preFork, forkKnown }: PathSums): PathSums {
  return { own: new RunningSums().add(own), preFork: new RunningSums().add(preFork), forkKnown };
}
