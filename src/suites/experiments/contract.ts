import type { Json, Random } from '../../core/index.ts';
import type { Target, TargetEndpoint } from '../../models/index.ts';
import type { Playbook } from '../../simulator/index.ts';
import type { LlmUsage } from '../../tracking/index.ts';

/** What a trial may be given by its variant: any value of the user's. */
export type VariantParams = unknown;

/**
 * An experiment: a function that is run in trials, alone or in variants that are compared. The default export of a module.
 *
 * @example
 * export default defineExperiment({
 *   variants: { short: { turns: 3 }, long: { turns: 10 } },
 *   threshold: 0.5,
 *   run: async (ctx) => play(ctx.target(), ctx.params.turns, ctx.random),
 * });
 */
export interface Experiment<Params = VariantParams> {
  /** Letters, digits, `.`, `_` and `-`; the file's name by default. Its goals' plugin is `experiments.NAME`. */
  readonly name?: string;
  /** Raised whenever trials would turn out differently for a reason that does not stand in the file. */
  readonly version?: string | number;
  /** What it finds out, in one sentence. */
  readonly description?: string;
  /** What is compared: parameters by name, or names alone (then `params` is an empty object). Trials of a variant never share state. */
  readonly variants?: Readonly<Record<string, Params>> | readonly string[];
  /** Score at or above which a trial has passed. Without one a trial that says nothing of it is `undetermined`. */
  readonly threshold?: number;
  /** Roles whose calls a library makes on its own account: reports show them apart, as hidden. `memory` by default. */
  readonly hiddenRoles?: readonly string[];
  /** Longest time of one trial, in seconds; one that takes longer ends in error. No bound by default. */
  readonly timeoutSeconds?: number;
  /** What one trial is expected to take, for a dry run. */
  readonly expected?: { readonly calls: number; readonly promptTokens: number; readonly outputTokens: number };
  /** How simulated models (`sim:` targets) answer what it asks of them, as data. Without one they answer at random. */
  readonly playbook?: Playbook;
  /** One trial. What it throws ends the trial in error, which is never counted as a score. */
  run(ctx: TrialContext<Params>): TrialReturn | Promise<TrialReturn>;
}

/** An experiment as a plain function: one variant, named after its file. */
export type ExperimentFunction = (ctx: TrialContext) => TrialReturn | Promise<TrialReturn>;

/** A score, all there is to say of a trial, or nothing. `true` is 1 and passed, `false` is 0 and failed. */
// eslint-disable-next-line typescript/no-invalid-void-type -- a function that returns nothing is one of the forms
export type TrialReturn = number | boolean | TrialResult | void;

export interface TrialResult {
  /** Within 0 and 1; `null` where the trial cannot be scored. */
  readonly score?: number | null;
  /** In place of the experiment's. */
  readonly threshold?: number;
  /** In place of what score and threshold say. */
  readonly passed?: boolean;
  readonly reason?: string;
  /** Kept with the trial. Reports average figures at its first level over the trials; `turns` also gives calls per turn. */
  readonly notes?: { readonly [name: string]: Json };
}

export interface ScoreOptions {
  /** A score beside the main one, which is called `score`. */
  readonly name?: string;
  readonly threshold?: number;
  readonly reason?: string;
}

/** What a trial has at hand. */
export interface TrialContext<Params = VariantParams> {
  /** `NAME/VARIANT#INDEX`: what its calls are charged to. */
  readonly trial: string;
  readonly variant: string | null;
  /** Of the variant, with those of the configuration laid over. */
  readonly params: Params;
  /** From 0. */
  readonly index: number;
  /** The same for trials of one index in every variant and against every target, and another for each index. */
  readonly seed: number;
  /** Decided by `seed` alone. */
  readonly random: Random;
  /** Aborts when the trial is to end now. Hand it to whatever takes one. */
  readonly signal: AbortSignal;
  /**
   * A model to ask: what is tried, or what the configuration names for a role (`experiments.roles`). Retries, limits and budgets are seen to.
   *
   * @param role whom its calls are charged to; the role they are made in by default
   * @throws UsageError where the run has no target
   */
  target(role?: string): Target;
  /**
   * Where a client library can reach the model of `target(role)` by itself. Its calls are counted and limited as well; the role they are
   * charged to is the one they are made in, see `role`.
   *
   * @throws UsageError where the run has no target
   */
  endpoint(role?: string): TargetEndpoint;
  /** Runs `fn` with its calls charged to a role, e.g. `memory`. */
  role<T>(name: string, fn: () => T): T;
  /** Runs `fn` as a branch of what came before: reports tell its calls from those before the fork. */
  branch<T>(name: string, fn: () => T): T;
  /** Runs `fn` with its calls charged to a phase, e.g. `turn-3`. */
  phase<T>(name: string, fn: () => T): T;
  /** Adds an entry to the trial's transcript (`assay show RUN GOAL`). */
  log(entry: Json): Promise<void>;
  /**
   * Does something once: a trial that is done again after a crash gets the value of a step that was finished back. The value must be JSON, and
   * the key unique within the trial.
   */
  step<T extends Json>(key: string, fn: () => Promise<T>): Promise<T>;
  /** What the trial has used so far. */
  usage(): LlmUsage;
  /** Scores the trial; the last word on a name counts, and what `run` returns is said last. Within 0 and 1; `null` abstains. */
  score(value: number | null, options?: ScoreOptions): void;
}
