import { AssayError, describeError, type Clock, type Goal, type LeaseHolder, type Run, type RunStatus } from '../core/index.ts';
import type { Limiter } from '../limiter/index.ts';
import type { Target } from '../models/index.ts';
import { isHolderAlive, type Store } from '../store/index.ts';
import type { Suite } from './contract.ts';
import { errorEnd } from './error-outcome.ts';
import { GoalSource } from './goal-source.ts';
import { Lanes } from './lanes.ts';
import { holdLease } from './lease-keeper.ts';
import { leasedStore, type RunStore } from './leased-store.ts';
import { planGoals, PlanProgress } from './planner.ts';
import type { ProgressCounter } from './progress.ts';
import { announceQuota, recordStatus, ticking } from './run-events.ts';
import { runGoal } from './run-goal.ts';
import { HaltSwitch, type Halt } from './run-halt.ts';

export interface ExecuteOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly limiter: Pick<Limiter, 'statsOf' | 'onQuotaAlert'>;
  readonly run: Run;
  readonly suites: readonly Suite[];
  readonly targetFor: (goal: Goal, role: string) => Target;
  /** Goals in flight at once, at most. */
  readonly parallel: number;
  /** What a rate limit that outlasts a call's deadline does to the run. */
  readonly onRateLimit: 'continue' | 'stop';
  /** Goals that ended in error get another try. */
  readonly retryErrors: boolean;
  readonly holder: LeaseHolder;
  /** Aborts: no new goal starts. */
  readonly drain: AbortSignal;
  /** Called when the run begins to stop: calls that have not left may be turned away. Their goals end as interrupted. */
  readonly onHalt?: () => void;
  /** Aborts: what is in flight ends as cancelled. */
  readonly abort: AbortSignal;
  readonly progress: ProgressCounter;
  /** A line for whoever watches. */
  readonly announce: (line: string) => void;
}

export interface RunEnd {
  readonly status: RunStatus;
  readonly reason: string | null;
}

/** What the parts of one execution share. Its store refuses once the lease is lost. */
export type Execution = Omit<ExecuteOptions, 'store'> & { readonly store: RunStore; readonly halt: HaltSwitch };

/**
 * Executes a run from where it stands to its end: plans what is not planned, gives every open goal its outcome, and
 * records how the run ended. Whatever stops it, what is recorded stays and the run can be resumed.
 *
 * @throws AssayError `lease_held` when another process executes it (nothing is changed then) or took it over
 * @throws what made planning fail, or the store's error where nothing can be recorded any more
 */
export async function executeRun(options: ExecuteOptions): Promise<RunEnd> {
  const { clock, run } = options;
  const planning = new PlanProgress();
  const lanes = new Lanes();
  const planningEnd = new AbortController();
  const halt = new HaltSwitch();
  const lease = await holdLease(options.store, run.id, options.holder, clock, (error) => halt.abort({ status: 'interrupted', reason: error.message, failure: error }));
  const execution: Execution = { ...options, store: leasedStore(options.store, lease), halt };
  const source = new GoalSource(execution.store, run.id, ['open', 'interrupted', 'cancelled', ...(options.retryErrors ? ['error'] : [])], planning);
  halt.onHalt(() => {
    planningEnd.abort();
    lanes.clear();
    source.close();
    options.onHalt?.();
  });
  const undo = [
    listen(options.drain, () => halt.stop({ status: 'cancelled', reason: 'cancelled by the user' })),
    listen(options.abort, () => halt.abort({ status: 'cancelled', reason: 'cancelled by the user' })),
    options.limiter.onQuotaAlert((alert) => announceQuota(alert, execution)),
    ticking(execution),
  ];
  try {
    // Nobody else makes calls for this run now: what is still in flight was left behind by a process that died.
    await options.store.markLost(run.id, Math.round(clock.now()));
    await recordStatus(execution, 'running', null);
    const planned = planAhead(execution, planning, planningEnd.signal);
    const workers = Array.from({ length: options.parallel }, () => work(execution, source, lanes));
    await Promise.all([planned, ...workers]);
    // Programs that a trial started enter calls too. What one of them left in flight when it died is lost; a store that cannot say so
    // now says so when it is next opened.
    await options.store.markLostOfDead(isHolderAlive, Math.round(clock.now())).catch(() => 0);
    return await finish(execution);
  } finally {
    for (const stop of undo) stop();
    // A store that failed cannot take the lease back either; the lease then ends with this process.
    await lease.release().catch(() => {});
  }
}

async function finish(execution: Execution): Promise<RunEnd> {
  const { halt, store, run } = execution;
  const { failure } = halt.halt ?? {};
  // Asked to stop when all was done but the last calls: the run is complete all the same.
  const complete = halt.halt === undefined || (failure === undefined && (await nothingLeft(execution)));
  const end = complete || halt.halt === undefined ? await ordinaryEnd(store, run.id) : halt.halt;
  if (failure !== undefined && errorEnd(failure) === 'fatal') {
    // The store may have come back; where it has not, or the run is another's by now, whoever looks next finds out how it stands.
    if (!AssayError.isInstance(failure) || failure.code !== 'store_locked') await recordStatus(execution, 'interrupted', end.reason).catch(() => {});
    throw failure;
  }
  await recordStatus(execution, end.status, end.reason);
  if (failure !== undefined) throw failure;
  return { status: end.status, reason: end.reason };
}

async function planAhead({ store, clock, run, suites, progress, halt }: Execution, planning: PlanProgress, signal: AbortSignal): Promise<void> {
  try {
    if (run.planned !== null) {
      planning.advance(run.planned);
      planning.finish();
    } else {
      await planGoals({ store, clock, run, suites, ctx: { seed: run.seed, targets: run.targets, signal }, progress: planning });
    }
    if (planning.done) progress.plannedNow(planning.planned);
  } catch (error) {
    const end = errorEnd(error);
    if (end === 'fatal') return halt.fail(error);
    // A suite may say that its planning was cut short by throwing.
    if (signal.aborted && end === 'cancelled') return;
    halt.stop({ status: 'failed', reason: `planning failed: ${describeError(error)}`, failure: error instanceof Error ? error : new Error(String(error)) });
  }
}

async function work(execution: Execution, source: GoalSource, lanes: Lanes): Promise<void> {
  const { halt } = execution;
  while (halt.halt === undefined) {
    await lanes.room();
    const goal = await source.next().catch((error: unknown) => {
      halt.fail(error);
      return undefined;
    });
    if (goal === undefined) return;
    if (!lanes.enter(goal)) continue;
    for (let next: Goal | undefined = goal; next !== undefined && halt.halt === undefined; next = lanes.leave(next)) {
      await runGoal(execution, next).catch((error: unknown) => halt.fail(error));
    }
  }
}

async function nothingLeft({ store, run, progress }: Execution): Promise<boolean> {
  if (progress.snapshot().planned === null) return false;
  const { byOutcome } = await store.countGoals(run.id);
  return ['open', 'interrupted', 'cancelled'].every((kind) => (byOutcome[kind] ?? 0) === 0);
}

async function ordinaryEnd(store: RunStore, runId: string): Promise<Halt | { readonly status: 'completed'; readonly reason: null }> {
  const { planned, byOutcome } = await store.countGoals(runId);
  const errors = byOutcome['error'] ?? 0;
  if (planned === 0 || errors < planned) return { status: 'completed', reason: null };
  const [first] = await store.goals(runId, { from: 0, limit: 1, outcomes: ['error'] });
  const why = first?.outcome?.kind === 'error' ? first.outcome.reason : 'unknown';
  return { status: 'failed', reason: `every goal ended in error; the first: ${why}` };
}

function listen(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) callback();
  signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}
