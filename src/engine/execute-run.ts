import { describeError, type Clock, type Goal, type JsonObject, type LeaseHolder, type Outcome, type Run, type RunStatus } from '../core/index.ts';
import { withScope } from '../ledger/index.ts';
import type { Limiter, QuotaAlert } from '../limiter/index.ts';
import type { Target } from '../models/index.ts';
import type { Store } from '../store/index.ts';
import type { Suite } from './contract.ts';
import { errorEnd, errorOutcome } from './error-outcome.ts';
import { GoalSource } from './goal-source.ts';
import { openJournal } from './journal.ts';
import { Lanes } from './lanes.ts';
import { holdLease } from './lease-keeper.ts';
import { planGoals, PlanProgress } from './planner.ts';
import type { ProgressCounter } from './progress.ts';
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

const TICK_MS = 1_000;

/**
 * Executes a run from where it stands to its end: plans what is not planned, gives every open goal its outcome, and
 * records how the run ended. Whatever stops it, what is recorded stays and the run can be resumed.
 *
 * @throws what made planning fail, or the store's error where nothing can be recorded any more
 */
export async function executeRun(options: ExecuteOptions): Promise<RunEnd> {
  const { store, clock, run } = options;
  const planning = new PlanProgress();
  const source = new GoalSource(store, run.id, ['open', 'interrupted', 'cancelled', ...(options.retryErrors ? ['error'] : [])], planning);
  const lanes = new Lanes();
  const planningEnd = new AbortController();
  const halt = new HaltSwitch(() => {
    planningEnd.abort();
    lanes.clear();
    source.close();
  });
  const lease = await holdLease(store, run.id, options.holder, clock, () =>
    halt.abort({ status: 'interrupted', reason: 'the lease went to another process', failure: new Error('the run was taken over by another process') }),
  );
  const undo = [
    listen(options.drain, () => halt.stop({ status: 'cancelled', reason: 'cancelled by the user' })),
    listen(options.abort, () => halt.abort({ status: 'cancelled', reason: 'cancelled by the user' })),
    options.limiter.onQuotaAlert((alert) => announceQuota(alert, options, halt)),
    ticking(options),
  ];
  try {
    await recordStatus(options, 'running', null);
    const planned = planAhead(options, planning, planningEnd.signal, halt);
    const workers = Array.from({ length: options.parallel }, () => work(options, source, lanes, halt));
    await Promise.all([planned, ...workers]);
    const end = halt.halt ?? (await ordinaryEnd(store, run.id));
    if (halt.halt?.failure !== undefined && errorEnd(halt.halt.failure) === 'fatal') throw halt.halt.failure;
    await recordStatus(options, end.status, end.reason);
    if (halt.halt?.failure !== undefined) throw halt.halt.failure;
    return { status: end.status, reason: end.reason };
  } finally {
    for (const stop of undo) stop();
    // A store that failed cannot take the lease back either; the lease then ends with this process.
    await lease.release().catch(() => {});
  }
}

async function planAhead(options: ExecuteOptions, planning: PlanProgress, signal: AbortSignal, halt: HaltSwitch): Promise<void> {
  const { store, clock, run, suites, progress } = options;
  try {
    if (run.planned !== null) {
      planning.advance(run.planned);
      planning.finish();
    } else {
      await planGoals({ store, clock, run, suites, ctx: { seed: run.seed, targets: run.targets, signal }, progress: planning });
    }
    if (planning.done) progress.plannedNow(planning.planned);
  } catch (error) {
    halt.stop({ status: 'failed', reason: `planning failed: ${describeError(error)}`, failure: asError(error) });
  }
}

async function work(options: ExecuteOptions, source: GoalSource, lanes: Lanes, halt: HaltSwitch): Promise<void> {
  while (halt.halt === undefined) {
    await lanes.room();
    const goal = await source.next().catch((error: unknown) => fatal(halt, error));
    if (goal === undefined) return;
    if (!lanes.enter(goal)) continue;
    for (let next: Goal | undefined = goal; next !== undefined && halt.halt === undefined; next = lanes.leave(next)) {
      await runGoal(options, next, halt).catch((error: unknown) => fatal(halt, error));
    }
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function fatal(halt: HaltSwitch, error: unknown): undefined {
  halt.abort({ status: 'interrupted', reason: describeError(error), failure: asError(error) });
}

/** Gives one goal its outcome. Throws only when nothing can be recorded. */
async function runGoal(options: ExecuteOptions, goal: Goal, halt: HaltSwitch): Promise<void> {
  const { store, clock, run, progress } = options;
  progress.goalStarted(goal.outcome);
  let outcome: Outcome | null = null;
  try {
    const context = await openJournal(goal, {
      store,
      clock,
      limiter: options.limiter,
      targetFor: options.targetFor,
      seed: run.seed,
      signal: halt.signal,
      onAttempt: (attempt) => progress.attemptEnded(attempt),
    });
    if (goal.startedAt === null) await store.write({ op: 'goal.start', runId: run.id, index: goal.index, at: Math.round(clock.now()) });
    outcome = await outcomeOf(options, goal, () => withScope({ runId: run.id, goalIndex: goal.index, role: 'target' }, () => suiteOf(options, goal).execute(goal, context)), halt);
    const at = Math.round(clock.now());
    await store.write(
      { op: 'goal.finalize', runId: run.id, index: goal.index, outcome, at },
      { op: 'event.add', event: { runId: run.id, at, type: 'goal.outcome', data: { index: goal.index, plugin: goal.plugin, outcome: outcome.kind } } },
    );
  } finally {
    progress.goalEnded(outcome);
  }
}

/** Runs a goal and turns whatever it throws into its honest outcome: an error is never a verdict. */
async function outcomeOf(options: ExecuteOptions, goal: Goal, execute: () => Promise<Outcome>, halt: HaltSwitch): Promise<Outcome> {
  try {
    return await execute();
  } catch (error) {
    switch (errorEnd(error)) {
      case 'fatal':
        throw error;
      case 'stopped':
        halt.stop({ status: 'stopped', reason: describeError(error) });
        return { kind: 'interrupted', reason: describeError(error) };
      case 'cancelled':
        return options.abort.aborted ? { kind: 'cancelled', reason: 'cancelled by the user' } : { kind: 'interrupted', reason: halt.halt?.reason ?? describeError(error) };
      case 'error': {
        const outcome = errorOutcome(error);
        if (outcome.code === 'rate_limited') announceRateLimit(options, goal, outcome.reason, halt);
        return outcome;
      }
    }
  }
}

function announceRateLimit(options: ExecuteOptions, goal: Goal, reason: string, halt: HaltSwitch): void {
  const { planned, finished } = options.progress.snapshot();
  const left = planned === null ? 'planning goes on' : `${planned - finished} of ${planned} goals left`;
  if (options.onRateLimit === 'stop') {
    options.announce(`rate limit outlasted its deadline at goal ${goal.index}: ${reason}; stopping, ${left}`);
    halt.stop({ status: 'stopped', reason: `rate limited: ${reason}` });
  } else {
    options.announce(`rate limit outlasted its deadline at goal ${goal.index}: ${reason}; it ends as error and the run goes on, ${left}`);
  }
}

function announceQuota(alert: QuotaAlert, options: ExecuteOptions, halt: HaltSwitch): void {
  const { planned, finished } = options.progress.snapshot();
  const remaining = planned === null ? null : planned - finished;
  const left = remaining === null ? 'more attempts are being planned' : `${remaining} attempts remaining`;
  options.announce(`quota at ${alert.percentage.toFixed(1)} % on ${alert.deployment} (${alert.cumulativeTokens} of ${alert.quotaTokens} tokens): ${left}`);
  const data: JsonObject = { deployment: alert.deployment, threshold: alert.threshold, percentage: alert.percentage, remaining_attempts: remaining };
  options.store
    .write({ op: 'event.add', event: { runId: options.run.id, at: Math.round(options.clock.now()), type: 'quota.alert', data } })
    .catch((error: unknown) => fatal(halt, error));
}

function suiteOf(options: ExecuteOptions, goal: Goal): Suite {
  const suite = options.suites.find((each) => each.kind === goal.suite);
  if (suite === undefined) throw new Error(`run ${goal.runId} holds a goal of suite ${goal.suite}, which it was not given`);
  return suite;
}

async function ordinaryEnd(store: Store, runId: string): Promise<Halt | { readonly status: 'completed'; readonly reason: null }> {
  const { planned, byOutcome } = await store.countGoals(runId);
  const errors = byOutcome['error'] ?? 0;
  if (planned === 0 || errors < planned) return { status: 'completed', reason: null };
  const [first] = await store.goals(runId, { from: 0, limit: 1, outcomes: ['error'] });
  const why = first?.outcome?.kind === 'error' ? first.outcome.reason : 'unknown';
  return { status: 'failed', reason: `every goal ended in error; the first: ${why}` };
}

async function recordStatus(options: ExecuteOptions, status: RunStatus, reason: string | null): Promise<void> {
  const { store, run, clock } = options;
  const at = Math.round(clock.now());
  // Written only once the lease is held: a resume that finds the run busy changes nothing.
  const times = status === 'running' ? { startedAt: run.startedAt ?? at, endedAt: null, resumes: run.resumes, config: run.config } : { endedAt: at };
  await store.write(
    { op: 'run.update', id: run.id, patch: { status, reason, ...times } },
    { op: 'event.add', event: { runId: run.id, at, type: 'run.status', data: { status, reason } } },
  );
}

/** One event a second while the run goes on, for live views. */
function ticking(options: ExecuteOptions): () => void {
  const { store, clock, run, progress } = options;
  let cancel = (): void => {};
  let last = '';
  const tick = (): void => {
    cancel = clock.after(TICK_MS, () => {
      const data = { ...progress.snapshot() };
      const text = JSON.stringify(data);
      // A store that cannot be written shows in the goals' own writes.
      if (text !== last) store.write({ op: 'event.add', event: { runId: run.id, at: Math.round(clock.now()), type: 'tick', data } }).catch(() => {});
      last = text;
      tick();
    });
  };
  tick();
  return () => cancel();
}

function listen(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) callback();
  signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}
