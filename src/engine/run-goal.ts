import { AssayError, describeError, OUTCOME_KINDS, type Goal, type Outcome } from '../core/index.ts';
import { withScope } from '../ledger/index.ts';
import type { Suite } from './contract.ts';
import { errorEnd, errorOutcome } from './error-outcome.ts';
import type { Execution } from './execute-run.ts';
import { openJournal } from './journal.ts';

/**
 * Gives one goal its outcome, recorded before progress counts it.
 *
 * @throws only where nothing can be recorded
 */
export async function runGoal(execution: Execution, goal: Goal): Promise<void> {
  const { store, clock, run, progress, halt } = execution;
  progress.goalStarted(goal.outcome);
  let recorded = goal.outcome;
  try {
    const context = await openJournal(goal, {
      store,
      clock,
      limiter: execution.limiter,
      targetFor: execution.targetFor,
      seed: run.seed,
      signal: halt.signal,
      onAttempt: (attempt) => progress.attemptEnded(attempt),
    });
    if (goal.startedAt === null) await store.write({ op: 'goal.start', runId: run.id, index: goal.index, at: Math.round(clock.now()) });
    const scope = { runId: run.id, goalIndex: goal.index, role: 'target' };
    const outcome = await outcomeOf(execution, goal, () => withScope(scope, () => suiteOf(execution, goal).execute(goal, context)));
    const at = Math.round(clock.now());
    await store.write(
      { op: 'goal.finalize', runId: run.id, index: goal.index, outcome, at },
      { op: 'event.add', event: { runId: run.id, at, type: 'goal.outcome', data: { index: goal.index, plugin: goal.plugin, outcome: outcome.kind } } },
    );
    recorded = outcome;
  } finally {
    progress.goalEnded(recorded);
  }
}

/** Runs a goal and turns whatever it throws into its honest outcome: an error is never a verdict. */
async function outcomeOf(execution: Execution, goal: Goal, execute: () => Promise<Outcome>): Promise<Outcome> {
  const { halt, abort } = execution;
  try {
    return checked(await execute(), goal);
  } catch (error) {
    const end = errorEnd(error);
    if (end === 'fatal') throw error;
    if (end === 'stopped') {
      halt.stop({ status: 'stopped', reason: describeError(error) });
      return { kind: 'interrupted', reason: describeError(error) };
    }
    // A call that had not left was turned away because the run is stopping. And once the work is aborted, whatever comes of it tells nothing of the target; and without that, nobody cancelled anything.
    const turnedAway = end === 'cancelled' && halt.halt !== undefined;
    if (halt.signal.aborted || turnedAway) {
      return abort.aborted ? { kind: 'cancelled', reason: 'cancelled by the user' } : { kind: 'interrupted', reason: halt.halt?.reason ?? describeError(error) };
    }
    const outcome = errorOutcome(error);
    if (outcome.code === 'rate_limited') announceRateLimit(execution, goal, outcome.reason);
    return outcome;
  }
}

/** What a suite returned, where it is an outcome that can be recorded. */
function checked(outcome: Outcome, goal: Goal): Outcome {
  const kind = (outcome as Partial<Outcome> | undefined)?.kind;
  if (kind !== undefined && OUTCOME_KINDS.includes(kind)) return outcome;
  throw new AssayError({ code: 'internal', message: `${goal.plugin} ended goal ${goal.index} with something that is no outcome` });
}

/** A provider that keeps refusing would otherwise fill the log with a line a goal. */
const TELL_AGAIN_MS = 10_000;
const rateLimits = new WeakMap<object, { at: number; untold: number }>();

function announceRateLimit({ progress, onRateLimit, announce, halt, clock }: Execution, goal: Goal, reason: string): void {
  const { planned, finished } = progress.snapshot();
  // This goal ends now.
  const left = planned === null ? 'planning goes on' : `${planned - finished - 1} of ${planned} goals left`;
  if (onRateLimit === 'stop') {
    // Those that were in flight beside the first end the same way; once is enough.
    if (halt.halt === undefined) announce(`rate limited at goal ${goal.index}: ${reason}; stopping, ${left}`);
    halt.stop({ status: 'stopped', reason: `rate limited: ${reason}` });
  } else {
    const told = rateLimits.get(progress) ?? { at: -Infinity, untold: 0 };
    rateLimits.set(progress, told);
    const now = clock.now();
    if (now - told.at < TELL_AGAIN_MS) {
      told.untold++;
      return;
    }
    const others = told.untold === 0 ? '' : `, as did ${told.untold} since the last such line`;
    rateLimits.set(progress, { at: now, untold: 0 });
    announce(`rate limited at goal ${goal.index}: ${reason}; it ends as error${others}, and the run goes on, ${left}`);
  }
}

function suiteOf({ suites }: Execution, goal: Goal): Suite {
  const suite = suites.find((each) => each.kind === goal.suite);
  if (suite === undefined) throw new Error(`run ${goal.runId} holds a goal of suite ${goal.suite}, which it was not given`);
  return suite;
}
