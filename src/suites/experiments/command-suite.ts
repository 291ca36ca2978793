import { AssayError, CancelledError, isObject, NO_THRESHOLD, stableKey, type Goal, type Json, type Outcome } from '../../core/index.ts';
import { GoalError, type GoalContext, type GoalPlan, type Suite } from '../../engine/index.ts';
import { withScope } from '../../ledger/index.ts';
import type { CommandTrial } from './command-trials.ts';
import { exitStatus, type CommandEnd } from './command-process.ts';

export const COMMAND_PLUGIN = 'experiments.command';
/** Raised whenever the same command would be tried in another way. */
const VERSION = 1;
const ATTEMPT = 'command';
/** The score that decides, where there are several. */
const MAIN_SCORE = 'score';

/** A score that the command reported. */
export interface CommandScore {
  readonly name: string;
  readonly value: number;
  readonly threshold: number | null;
  readonly reason: string | null;
}

/** What became of one command. */
export interface TrialEnd extends CommandEnd {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** In the order of their names' first report; the last value of a name. */
  readonly scores: readonly CommandScore[];
  /** A budget or quota that turned one of its calls away. */
  readonly refusal: AssayError | undefined;
  /** The signal that ended it was passed on from whoever ran it. */
  readonly cancelled: boolean;
}

export interface CommandSuiteOptions {
  readonly trials: readonly CommandTrial[];
  /** What the trials are of, for lists: `command:python`. */
  readonly target: string;
  /** A command as it may be shown and kept: secrets among its arguments taken out. */
  readonly describe: (command: readonly string[]) => string;
  /** Threshold of scores that were reported without one. */
  readonly threshold?: number;
  /** Runs a trial's command to its end, in the scope that it is called in. What it throws keeps it from having started. */
  readonly run: (trial: CommandTrial, goal: Goal, signal: AbortSignal) => Promise<TrialEnd>;
}

/**
 * Commands as trials: one goal each. A command that ends with 0 is `undetermined` unless a score with a threshold was reported; one that
 * ends otherwise is an error of the target, which a resume tries again; one whose calls a budget turned away is interrupted.
 */
export function createCommandSuite(options: CommandSuiteOptions): Suite {
  const { trials, target, describe } = options;
  return {
    kind: 'experiments',
    async *plan(): AsyncGenerator<GoalPlan> {
      for (const [item, trial] of trials.entries()) {
        yield { key: stableKey([COMMAND_PLUGIN, VERSION, trial.name, trial.command]), plugin: COMMAND_PLUGIN, target, text: `${trial.name}: ${describe(trial.command)}`, item, repeat: 0, data: { trial: trial.name } };
      }
    },
    execute: (goal, ctx) => execute(options, goal, ctx),
  };
}

/** Name of a command goal's trial. */
export function trialOf(goal: Pick<Goal, 'data' | 'index'>): string {
  const name = isObject(goal.data) ? goal.data['trial'] : undefined;
  return typeof name === 'string' ? name : `trial-${goal.index + 1}`;
}

async function execute(options: CommandSuiteOptions, goal: Goal, ctx: GoalContext): Promise<Outcome> {
  // By place, and not as stored: a secret among its arguments is not in the store.
  const trial = options.trials[goal.item];
  if (trial === undefined) throw new AssayError({ code: 'internal', message: `goal ${goal.index} is of trial ${goal.item}, and there are ${options.trials.length}` });
  try {
    const attempt = await withScope({ trial: trial.name }, () => ctx.attempt(ATTEMPT, ({ signal }) => tryOnce(options, trial, goal, ctx, signal)));
    const scores = storedScores(attempt.notes['scores']);
    await ctx.score(
      ...scores.map(({ name, value, threshold, reason }) => ({ attemptKey: ATTEMPT, outputIndex: 0, grader: name, value, threshold: threshold ?? options.threshold ?? NO_THRESHOLD, reason })),
    );
    return outcomeOf(scores, options.threshold);
  } catch (error) {
    // Whoever ran it ended it; the engine only knows of aborts that come from itself.
    if (AssayError.isInstance(error) && error.code === 'cancelled' && !ctx.signal.aborted) return { kind: 'cancelled', reason: error.message };
    throw error;
  }
}

async function tryOnce(
  { run }: CommandSuiteOptions,
  trial: CommandTrial,
  goal: Goal,
  ctx: GoalContext,
  signal: AbortSignal,
): Promise<{ readonly conversation: []; readonly outputs: []; readonly notes: Record<string, Json> }> {
  const end = await run(trial, goal, signal);
  const notes = { exit_code: exitStatus(end), signal: end.signal, duration_ms: end.endedAt - end.startedAt, scores: end.scores.map((score) => ({ ...score })) };
  await ctx.trace({ key: `end ${end.startedAt}`, type: 'custom', data: { event: 'command_ended', ...notes } });
  // What a command makes of refused calls says nothing of what it would have done with them.
  if (end.refusal !== undefined) throw end.refusal;
  if (end.signal === null && end.exitCode === 0) return { conversation: [], outputs: [], notes };
  if (end.cancelled || signal.aborted) throw new CancelledError({ message: `the command was ended (${how(end)})` });
  throw new GoalError({ source: 'target', code: end.signal === null ? `exit_${end.exitCode ?? 1}` : `signal_${end.signal}`, message: `the command ended with ${how(end)}` });
}

function how({ exitCode, signal }: CommandEnd): string {
  return signal === null ? `exit code ${exitCode ?? 1}` : `signal ${signal}`;
}

function outcomeOf(scores: readonly CommandScore[], fallback: number | undefined): Outcome {
  const main = scores.find((score) => score.name === MAIN_SCORE) ?? (scores.length === 1 ? scores[0] : undefined);
  if (main === undefined) return { kind: 'undetermined', reason: scores.length === 0 ? 'the command ended with 0 and reported no score' : `of ${scores.length} scores none is called ${MAIN_SCORE}` };
  const threshold = main.threshold ?? fallback;
  if (threshold === undefined) return { kind: 'undetermined', reason: `scored ${main.value}, and no threshold was set` };
  const passed = main.value >= threshold;
  return { kind: passed ? 'passed' : 'failed', reason: main.reason ?? `scored ${main.value}, ${passed ? 'at or above' : 'below'} ${threshold}` };
}

/** Scores as an attempt's notes hold them; after a crash they come from the store. */
function storedScores(value: unknown): CommandScore[] {
  return Array.isArray(value) ? (value as CommandScore[]) : [];
}
