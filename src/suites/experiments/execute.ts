import { AssayError, CancelledError, UsageError, type Goal, type Outcome } from '../../core/index.ts';
import type { AttemptResult, GoalContext } from '../../engine/index.ts';
import { withScope } from '../../ledger/index.ts';
import { TrialTally } from '../../tracking/index.ts';
import { readGoalData, type TrialGoalData } from './goal-data.ts';
import type { LoadedExperiment, Variant } from './loaded-experiment.ts';
import { failingWithRefusals } from './refusals.ts';
import { trialContext } from './trial-context.ts';
import { trialFailure } from './trial-failure.ts';
import { concludeTrial, TRIAL_ATTEMPT, trialNotes } from './trial-record.ts';
import { TrialScores } from './trial-result.ts';

export interface ExecuteOptions {
  readonly experiment: LoadedExperiment;
  readonly variants: readonly Variant[];
  /** In place of the experiment's. */
  readonly threshold: number | undefined;
  /** What it throws keeps the trial from beginning. */
  readonly mayStart: (() => void) | undefined;
}

/**
 * One trial: one journalled attempt, charged to the trial's name. A finished one is not run again on resume.
 *
 * @throws what the trial throws: such an error ends the goal as `error`, never as a verdict
 */
export async function executeTrial(goal: Goal, ctx: GoalContext, { experiment, variants, threshold, mayStart }: ExecuteOptions): Promise<Outcome> {
  const data = readGoalData(goal);
  const variant = variants.find(({ name }) => name === goal.variant);
  if (variant === undefined) {
    throw new UsageError({ code: 'not_found', message: `${experiment.id} has no variant ${String(goal.variant)} any more`, hint: 'start a new run' });
  }
  return withScope({ trial: data.trial }, async () => {
    const attempt = await ctx.attempt(TRIAL_ATTEMPT, async ({ signal }) => {
      mayStart?.();
      return runTrial({ goal, data, variant, ctx, signal, experiment, threshold });
    });
    return concludeTrial(attempt, ctx);
  });
}

interface Trial {
  readonly goal: Goal;
  readonly data: TrialGoalData;
  readonly variant: Variant;
  readonly ctx: GoalContext;
  readonly signal: AbortSignal;
  readonly experiment: LoadedExperiment;
  readonly threshold: number | undefined;
}

async function runTrial({ goal, data, variant, ctx, signal, experiment, threshold }: Trial): Promise<AttemptResult> {
  const scores = new TrialScores(threshold ?? experiment.threshold);
  const tally = new TrialTally();
  const end = endOf(signal, experiment);
  try {
    const context = trialContext({ goal, data, variant, engine: ctx, scores, tally, signal: end.signal });
    const returned = await failingWithRefusals(() => withScope({}, () => Promise.race([called(() => experiment.run(context as never)), end.reached]), tally)).catch((error: unknown) => {
      throw trialFailure(error, experiment.files[0]);
    });
    const verdict = scores.verdict(returned);
    await settledSoon(tally);
    return { conversation: [], outputs: [], notes: trialNotes(goal, data, verdict, tally.toDict()) };
  } finally {
    end.forget();
  }
}

/** A stream that was left unread, or an aborted call, ends after the function did. One that never does must not hold the trial up. */
async function settledSoon(tally: TrialTally): Promise<void> {
  if (tally.inFlight === 0) return;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LONGEST_SETTLING_MS);
  await Promise.race([tally.settled(), late]);
  clearTimeout(timer);
}

const LONGEST_SETTLING_MS = 2_000;

/** What is thrown before the function's first `await` counts as its own. */
async function called<T>(fn: () => T | Promise<T>): Promise<T> {
  return fn();
}

/** When a trial must be over: as soon as the run is aborted, or once its time is up. A function that goes on regardless is not waited for. */
function endOf(aborted: AbortSignal, { timeoutMs, id }: LoadedExperiment): { readonly signal: AbortSignal; readonly reached: Promise<never>; readonly forget: () => void } {
  const over = new AbortController();
  const { promise: reached, reject } = Promise.withResolvers<never>();
  // Nobody may be waiting any more.
  reached.catch(() => {});
  const end = (error: Error): void => {
    over.abort(error);
    reject(error);
  };
  const onAbort = (): void => end(new CancelledError({ cause: aborted.reason }));
  if (aborted.aborted) onAbort();
  else aborted.addEventListener('abort', onAbort, { once: true });
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => end(new AssayError({ code: 'timeout', message: `the trial took longer than the ${timeoutMs / 1_000} s that ${id} allows`, hint: 'raise timeoutSeconds in the experiment' })), timeoutMs);
  return {
    signal: over.signal,
    reached,
    forget: () => {
      clearTimeout(timer);
      aborted.removeEventListener('abort', onAbort);
    },
  };
}
