import { seededRandom } from '../core/index.ts';
import { bootstrapMean, boundsIfUnscored, mean, scoreInterval, wilson, type Interval, type ScoreInterval } from '../graders/index.ts';
import type { BranchSums, CallSums } from '../store/index.ts';
import { addFigures, noCalls, type CallFigures, type Trial } from './experiment-trials.ts';

/** A mean over trials. */
export interface TrialMean {
  readonly mean: number;
  /** 95 %, bootstrap over trials; `null` for a single trial. */
  readonly interval: Interval | null;
  /** Trials it is the mean of. */
  readonly trials: number;
}

/** One score of the trials of a variant. */
export interface ScoreSummary {
  /** `score` is the main one. */
  readonly name: string;
  readonly mean: number | null;
  /** 95 %. */
  readonly interval: ScoreInterval | null;
  /** The n of `scored n/N`. */
  readonly scored: number;
  /** Trials that ended, those in error included. The N of `scored n/N`. */
  readonly total: number;
  /** Where the mean would lie if every trial without this score had scored 0, and if every one had scored 1. */
  readonly bounds: Interval | null;
}

export interface PassRate {
  readonly rate: number | null;
  /** 95 %, Wilson. */
  readonly interval: Interval | null;
  readonly scored: number;
  readonly total: number;
  /** Where the rate would lie if every trial without a verdict had failed, and if every one had passed. */
  readonly bounds: Interval | null;
}

/** What calls of a variant came to, over all of its trials, in whatever way those ended. */
export interface CallsSummary {
  readonly calls: number;
  readonly failed_calls: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  /** `null` where nothing is known of it. */
  readonly cost_usd: number | null;
  /** Calls with tokens but no price; only where there are any. */
  readonly unpriced_calls?: number;
  /** Ended calls whose usage is not known. */
  readonly unknown_calls: number;
  readonly estimated_calls: number;
  readonly waited_ms: number;
  /** Answered from the store; only where there are any. */
  readonly replayed_calls?: number;
}

/** Means over the trials that ended without error. */
export interface PerTrial {
  readonly calls: TrialMean;
  /** Of roles whose calls a library makes on its own account, and of all others; only where there are such roles. */
  readonly explicit_calls?: TrialMean;
  readonly hidden_calls?: TrialMean;
  /** Where trials note their `turns`. */
  readonly calls_per_turn?: TrialMean;
  readonly explicit_calls_per_turn?: TrialMean;
  readonly hidden_calls_per_turn?: TrialMean;
  readonly failed_calls: TrialMean;
  readonly prompt_tokens: TrialMean;
  readonly completion_tokens: TrialMean;
  readonly total_tokens: TrialMean;
  /** Of trials whose every call has a known price. */
  readonly cost_usd: TrialMean | null;
  readonly waited_ms: TrialMean;
}

/** Means over the trials that forked. */
export interface ForkSummary {
  /** Trials that forked. */
  readonly trials: number;
  /** Before the first fork. */
  readonly pre_fork: { readonly calls: number; readonly total_tokens: number };
  /** In all branches together. */
  readonly branches: { readonly calls: number; readonly total_tokens: number };
  /** By name, outermost branches, the most expensive first; at most 50. */
  readonly by_branch: Readonly<Record<string, { readonly trials: number; readonly calls: number; readonly total_tokens: number; readonly pre_fork_calls: number | null; readonly pre_fork_tokens: number | null }>>;
}

/** What the trials of one variant against one target came to. */
export interface VariantResult {
  /** `null` where the experiment has no variants. */
  readonly variant: string | null;
  readonly target: string;
  readonly trials: {
    readonly planned: number;
    readonly passed: number;
    readonly failed: number;
    readonly undetermined: number;
    readonly errors: number;
    /** Not begun, cancelled or interrupted. */
    readonly unfinished: number;
    /** Done again after they broke off; only where there are any. What the broken tries used is in `totals`, and not in `per_trial`. */
    readonly redone?: number;
  };
  readonly scores: readonly ScoreSummary[];
  /** `null` where no trial passed or failed. */
  readonly pass_rate: PassRate | null;
  /** `null` where no trial ended without error. */
  readonly per_trial: PerTrial | null;
  /** Means over trials of figures among their notes. */
  readonly measures: Readonly<Record<string, TrialMean>>;
  /** Means over trials, by role. */
  readonly by_role: Readonly<Record<string, { readonly calls: number; readonly total_tokens: number }>>;
  readonly forks: ForkSummary | null;
  readonly totals: CallsSummary;
}

/** Trials that say what one of their kind takes. */
export function ended(trials: readonly Trial[]): Trial[] {
  return trials.filter(({ outcome }) => outcome === 'passed' || outcome === 'failed' || outcome === 'undetermined');
}

export function summarizeVariant(trials: readonly Trial[], branches: ReadonlyMap<number, readonly BranchSums[]>): VariantResult {
  const [first] = trials;
  if (first === undefined) throw new RangeError('a variant without trials');
  const count = (outcome: Trial['outcome']): number => trials.filter((trial) => trial.outcome === outcome).length;
  const [passed, failed, undetermined, errors] = [count('passed'), count('failed'), count('undetermined'), count('error')];
  const all = passed + failed + undetermined + errors;
  const redone = trials.filter((trial) => trial.wasted.calls > 0).length;
  const done = ended(trials);
  const seedOf = (what: string): readonly string[] => ['experiments', first.plugin, first.variant ?? '', first.target, what];
  const totals = noCalls();
  for (const trial of trials) {
    addFigures(totals, trial.used);
    addFigures(totals, trial.wasted);
  }
  return {
    variant: first.variant,
    target: first.target,
    trials: { planned: trials.length, passed, failed, undetermined, errors, unfinished: trials.length - all, ...(redone > 0 ? { redone } : {}) },
    scores: scoreNames(trials).map((name) => summarizeScore(name, done, all, seedOf(name))),
    pass_rate:
      passed + failed === 0
        ? null
        : { rate: passed / (passed + failed), interval: wilson(passed, passed + failed) ?? null, scored: passed + failed, total: all, bounds: boundsIfUnscored(passed, passed + failed, undetermined + errors) ?? null },
    per_trial: done.length === 0 ? null : perTrial(done, seedOf),
    measures: measuresOf(done, seedOf),
    by_role: rolesOf(done),
    forks: forksOf(done, branches),
    totals: callsSummary(totals),
  };
}

/** The main one first. */
export function scoreNames(trials: readonly Trial[]): string[] {
  const names = new Set(trials.flatMap(({ scores }) => [...scores.keys()]));
  return [...names].toSorted((a, b) => Number(b === 'score') - Number(a === 'score') || (a < b ? -1 : 1));
}

function summarizeScore(name: string, done: readonly Trial[], total: number, seed: readonly string[]): ScoreSummary {
  const values = done.map(({ scores }) => scores.get(name)).filter((value) => typeof value === 'number');
  const sum = values.reduce((all, value) => all + value, 0);
  // Scores that a command reports need not lie within 0 and 1: then nothing is known of those that are missing.
  const bounded = values.every((value) => value >= 0 && value <= 1);
  const random = seededRandom(...seed);
  const plain = bootstrapMean(values, random);
  const interval = bounded ? scoreInterval(values, random) : plain === undefined ? undefined : ({ ...plain, method: 'bootstrap' } as const);
  return {
    name,
    mean: mean(values) ?? null,
    interval: interval ?? null,
    scored: values.length,
    total,
    bounds: bounded ? (boundsIfUnscored(sum, values.length, total - values.length) ?? null) : null,
  };
}

/** What is compared of calls, of one trial. */
export const CALL_METRICS: Readonly<Record<'calls' | 'total_tokens' | 'cost_usd', (trial: Trial) => number | undefined>> = {
  calls: ({ used }) => used.calls,
  total_tokens: ({ used }) => used.promptTokens + used.completionTokens,
  cost_usd: ({ used }) => (used.unpriced > 0 ? undefined : used.costUsd),
};

function perTrial(done: readonly Trial[], seedOf: (what: string) => readonly string[]): PerTrial {
  const figure = (what: string, pick: (trial: Trial) => number | undefined): TrialMean | undefined => meanOf(done.map(pick), seedOf(what));
  const sure = (what: string, pick: (trial: Trial) => number): TrialMean => figure(what, pick)!;
  const hides = done.some((trial) => trial.hiddenCalls > 0);
  const perTurn = (what: string, pick: (trial: Trial) => number): TrialMean | undefined =>
    figure(what, (trial) => {
      const turns = trial.measures.get('turns');
      return turns === undefined || turns <= 0 ? undefined : pick(trial) / turns;
    });
  const turns = {
    calls_per_turn: perTurn('calls_per_turn', ({ used }) => used.calls),
    ...(hides ? { explicit_calls_per_turn: perTurn('explicit_calls_per_turn', ({ used, hiddenCalls }) => used.calls - hiddenCalls), hidden_calls_per_turn: perTurn('hidden_calls_per_turn', ({ hiddenCalls }) => hiddenCalls) } : {}),
  };
  return {
    calls: sure('calls', ({ used }) => used.calls),
    ...(hides ? { explicit_calls: sure('explicit_calls', ({ used, hiddenCalls }) => used.calls - hiddenCalls), hidden_calls: sure('hidden_calls', ({ hiddenCalls }) => hiddenCalls) } : {}),
    ...(Object.fromEntries(Object.entries(turns).filter(([, value]) => value !== undefined)) as { calls_per_turn?: TrialMean }),
    failed_calls: sure('failed_calls', ({ used }) => used.failed),
    prompt_tokens: sure('prompt_tokens', ({ used }) => used.promptTokens),
    completion_tokens: sure('completion_tokens', ({ used }) => used.completionTokens),
    total_tokens: sure('total_tokens', ({ used }) => used.promptTokens + used.completionTokens),
    cost_usd: figure('cost_usd', CALL_METRICS.cost_usd) ?? null,
    waited_ms: sure('waited_ms', ({ used }) => used.waitedMs),
  };
}

function measuresOf(done: readonly Trial[], seedOf: (what: string) => readonly string[]): Record<string, TrialMean> {
  const names = [...new Set(done.flatMap(({ measures }) => [...measures.keys()]))].toSorted();
  return Object.fromEntries(names.map((name) => [name, meanOf(done.map(({ measures }) => measures.get(name)), seedOf(`measure ${name}`))!]));
}

function meanOf(values: readonly (number | undefined)[], seed: readonly string[]): TrialMean | undefined {
  const known = values.filter((value) => value !== undefined);
  const value = mean(known);
  return value === undefined ? undefined : { mean: value, interval: bootstrapMean(known, seededRandom(...seed)) ?? null, trials: known.length };
}

function rolesOf(done: readonly Trial[]): VariantResult['by_role'] {
  const roles = new Map<string, CallFigures>();
  for (const { byRole } of done) {
    for (const [role, figures] of byRole) {
      const sum = roles.get(role) ?? noCalls();
      roles.set(role, sum);
      addFigures(sum, figures);
    }
  }
  return Object.fromEntries([...roles].map(([role, sum]) => [role, { calls: sum.calls / done.length, total_tokens: (sum.promptTokens + sum.completionTokens) / done.length }]));
}

const MOST_BRANCHES = 50;

/** Trials that were done again are left out: their forks are those of the try that broke off. */
function forksOf(done: readonly Trial[], branches: ReadonlyMap<number, readonly BranchSums[]>): ForkSummary | null {
  const byBranch = new Map<string, { trials: number; calls: number; tokens: number; before: CallSums[] }>();
  let [trials, preCalls, preTokens, calls, tokens] = [0, 0, 0, 0, 0];
  for (const { goal, wasted } of done) {
    const outermost = (branches.get(goal) ?? []).filter(({ branch }) => branch !== null && !branch.includes('/'));
    if (wasted.calls > 0 || outermost.length === 0) continue;
    trials++;
    // The first fork has the fewest calls before it.
    const before = outermost.map(({ preFork }) => preFork).filter((sums) => sums !== null);
    const first = before.toSorted((a, b) => a.calls.total - b.calls.total)[0];
    preCalls += first?.calls.total ?? 0;
    preTokens += first?.total_tokens ?? 0;
    for (const { branch, inclusive, preFork } of outermost) {
      const sum = byBranch.get(branch!) ?? { trials: 0, calls: 0, tokens: 0, before: [] };
      byBranch.set(branch!, sum);
      sum.trials++;
      sum.calls += inclusive.calls.total;
      sum.tokens += inclusive.total_tokens;
      if (preFork !== null) sum.before.push(preFork);
      calls += inclusive.calls.total;
      tokens += inclusive.total_tokens;
    }
  }
  if (trials === 0) return null;
  const shown = [...byBranch].toSorted(([, a], [, b]) => b.tokens - a.tokens).slice(0, MOST_BRANCHES);
  return {
    trials,
    pre_fork: { calls: preCalls / trials, total_tokens: preTokens / trials },
    branches: { calls: calls / trials, total_tokens: tokens / trials },
    by_branch: Object.fromEntries(
      shown.map(([name, sum]) => [
        name,
        {
          trials: sum.trials,
          calls: sum.calls / sum.trials,
          total_tokens: sum.tokens / sum.trials,
          pre_fork_calls: mean(sum.before.map((sums) => sums.calls.total)) ?? null,
          pre_fork_tokens: mean(sum.before.map((sums) => sums.total_tokens)) ?? null,
        },
      ]),
    ),
  };
}

function callsSummary(sum: CallFigures): CallsSummary {
  return {
    calls: sum.calls,
    failed_calls: sum.failed,
    prompt_tokens: sum.promptTokens,
    completion_tokens: sum.completionTokens,
    total_tokens: sum.promptTokens + sum.completionTokens,
    // A sum of nothing known is unknown, not nothing.
    cost_usd: sum.costUsd === 0 && sum.unpriced + sum.unknown > 0 ? null : sum.costUsd,
    ...(sum.unpriced > 0 ? { unpriced_calls: sum.unpriced } : {}),
    unknown_calls: sum.unknown,
    estimated_calls: sum.estimated,
    waited_ms: sum.waitedMs,
    ...(sum.replayed > 0 ? { replayed_calls: sum.replayed } : {}),
  };
}
