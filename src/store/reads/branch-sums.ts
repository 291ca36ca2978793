import { sql } from 'kysely';
import type { BranchSums, CallFilter, CallSums } from '../contract.ts';
import { NO_GOAL, NO_NAME, trunkOf } from '../rows/fork-row.ts';
import type { Db, ForksTable } from '../schema.ts';
import { matches } from './call-filter.ts';
import { addSums, NO_CALLS, SUM_COLUMNS, SUMMED_COLUMNS, sumsOf } from './sum-rows.ts';

/** Calls of one branch between two forks from it. */
interface Stretch {
  /** Id of the first fork after these calls, or `null` after the last. */
  readonly nextFork: string | null;
  readonly sums: CallSums;
}

/** What is known of one branch of one trial. The trunk's name is `''`. */
interface Branch {
  readonly stretches: Stretch[];
  /** Where it left its trunk; `undefined` for the trunk of all. */
  fork: string | undefined;
}

interface Trial {
  readonly runId: string | null;
  readonly goalIndex: number | null;
  readonly trial: string | null;
  readonly branches: Map<string, Branch>;
}

export async function sumBranches(db: Db, filter: CallFilter): Promise<BranchSums[]> {
  // Forks first: of a fork that is entered between the two reads, the calls before it are then simply not told apart yet.
  const forks = await readForks(db, filter);
  const trials = new Map<string, Trial>();
  for (const row of await readStretches(db, filter)) {
    const key = trialKey(row.run_id, row.goal_index, row.trial);
    let trial = trials.get(key);
    if (trial === undefined) trials.set(key, (trial = { runId: row.run_id, goalIndex: row.goal_index, trial: row.trial, branches: new Map() }));
    branchOf(trial, row.branch ?? NO_NAME).stretches.push({ nextFork: row.next_fork, sums: sumsOf(row) });
  }
  for (const fork of forks) {
    const trial = trials.get(trialKey(fork.run_id === NO_NAME ? null : fork.run_id, fork.goal_index === NO_GOAL ? null : fork.goal_index, fork.trial === NO_NAME ? null : fork.trial));
    if (trial !== undefined) branchOf(trial, fork.branch).fork = fork.id;
  }
  return [...trials.values()].toSorted(inOrder).flatMap(branchesOf);
}

/** Calls grouped by branch and by the next fork from it, so that what came before any fork is a sum of groups. */
function readStretches(db: Db, filter: CallFilter) {
  const nextFork = sql<string | null>`(select min(forks.id) from forks
    where forks.run_id = coalesce(calls.run_id, ${sql.lit(NO_NAME)}) and forks.goal_index = coalesce(calls.goal_index, ${sql.lit(NO_GOAL)})
    and forks.trial = coalesce(calls.trial, ${sql.lit(NO_NAME)}) and forks.trunk = coalesce(calls.branch, ${sql.lit(NO_NAME)}) and forks.id > calls.id)`;
  const place = ['calls.run_id', 'calls.goal_index', 'calls.trial', 'calls.branch'] as const;
  const rows = db
    .selectFrom('calls')
    .where(matches(filter))
    .select([...place, ...SUMMED_COLUMNS, nextFork.as('next_fork')]);
  return db
    .selectFrom(rows.as('calls'))
    .select([...place, 'calls.next_fork', ...SUM_COLUMNS])
    .groupBy([...place, 'calls.next_fork', 'calls.status'])
    .execute();
}

function readForks(db: Db, { runId, goalIndex, trial }: CallFilter): Promise<ForksTable[]> {
  let query = db.selectFrom('forks').selectAll();
  if (runId !== undefined) query = query.where('run_id', '=', runId ?? NO_NAME);
  if (goalIndex !== undefined) query = query.where('goal_index', '=', goalIndex);
  if (trial !== undefined) query = query.where('trial', '=', trial);
  return query.execute();
}

function trialKey(...parts: readonly (string | number | null)[]): string {
  return JSON.stringify(parts);
}

/** The branch by its path, entered with those around it. */
function branchOf(trial: Trial, path: string): Branch {
  const known = trial.branches.get(path);
  if (known !== undefined) return known;
  if (path !== NO_NAME) branchOf(trial, trunkOf(path));
  const branch: Branch = { stretches: [], fork: undefined };
  trial.branches.set(path, branch);
  return branch;
}

function branchesOf({ runId, goalIndex, trial, branches }: Trial): BranchSums[] {
  // A branch was entered after those around it, so that the order of entry is from the outside in.
  const own = new Map<string, CallSums>();
  const preFork = new Map<string, CallSums | null>();
  for (const [path, { stretches, fork }] of branches) {
    own.set(path, total(stretches));
    const trunk = branches.get(trunkOf(path));
    if (path === NO_NAME || trunk === undefined) {
      preFork.set(path, NO_CALLS);
      continue;
    }
    const ofTrunk = preFork.get(trunkOf(path)) ?? null;
    const before = fork === undefined || ofTrunk === null ? undefined : trunk.stretches.filter(({ nextFork }) => nextFork !== null && nextFork <= fork);
    preFork.set(path, before === undefined || ofTrunk === null ? null : addSums(ofTrunk, total(before)));
  }
  const inclusive = new Map(own);
  for (const path of [...branches.keys()].toReversed()) {
    if (path !== NO_NAME) inclusive.set(trunkOf(path), addSums(inclusive.get(trunkOf(path)) ?? NO_CALLS, inclusive.get(path) ?? NO_CALLS));
  }
  return [...branches.keys()].toSorted(byText).map((path) => ({
    runId,
    goalIndex,
    trial,
    branch: path === NO_NAME ? null : path,
    own: own.get(path) ?? NO_CALLS,
    inclusive: inclusive.get(path) ?? NO_CALLS,
    preFork: preFork.get(path) ?? null,
  }));
}

function total(stretches: readonly Stretch[]): CallSums {
  return stretches.map(({ sums }) => sums).reduce(addSums, NO_CALLS);
}

function inOrder(a: Trial, b: Trial): number {
  return byText(a.runId ?? '', b.runId ?? '') || (a.goalIndex ?? NO_GOAL) - (b.goalIndex ?? NO_GOAL) || byText(a.trial ?? '', b.trial ?? '');
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
