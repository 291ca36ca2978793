import { CancelledError, seededRandom, sha256, stableKey } from '../../core/index.ts';
import type { GoalPlan, PlanContext } from '../../engine/index.ts';
import { LONGEST_NAME } from '../../ledger/index.ts';
import { DEFAULT_TRIALS, NO_TARGET, type ExperimentsConfig } from './config.ts';
import { writeGoalData } from './goal-data.ts';
import type { LoadedExperiment, Variant } from './loaded-experiment.ts';
import { chosenVariants, paramsText } from './variants.ts';

/**
 * Plans the trials, one at a time: experiment by experiment, and within it index by index, each with every variant against every target. So
 * a run that stops early has tried all of them about equally often, and on the same seeds.
 */
export async function* planTrials(experiments: readonly LoadedExperiment[], config: ExperimentsConfig, ctx: PlanContext): AsyncGenerator<GoalPlan> {
  const targets = ctx.targets.length === 0 ? [NO_TARGET] : ctx.targets;
  for (const experiment of experiments) {
    const variants = chosenVariants(experiment, config).map((variant) => ({ variant, params: sha256(paramsText(variant.params)) }));
    for (let index = 0; index < (config.trials ?? DEFAULT_TRIALS); index++) {
      for (const { variant, params } of variants) {
        for (const target of targets) {
          if (ctx.signal.aborted) throw new CancelledError({ cause: ctx.signal.reason });
          yield planTrial({ experiment, variant, params, index, target, several: targets.length > 1, seed: ctx.seed, threshold: config.threshold });
        }
      }
    }
  }
}

interface TrialParts {
  readonly experiment: LoadedExperiment;
  readonly variant: Variant;
  /** Hash of the variant's parameters. */
  readonly params: string;
  readonly index: number;
  readonly target: string;
  /** Whether the run has several targets, so that a trial's name must tell them apart. */
  readonly several: boolean;
  readonly seed: number;
  readonly threshold: number | undefined;
}

function planTrial({ experiment, variant, params, index, target, several, seed, threshold }: TrialParts): GoalPlan {
  const { id, name, fingerprint, hiddenRoles, expected } = experiment;
  const trial = named(`${name}${variant.name === null ? '' : `/${variant.name}`}#${index}${several ? `@${target}` : ''}`);
  const trialSeed = seedOf(seed, name, index);
  return {
    key: stableKey({ plugin: id, fingerprint, variant: variant.name, params, seed: trialSeed, repeat: index, target, threshold: threshold ?? null }),
    plugin: id,
    target,
    text: trial,
    item: 0,
    ...(variant.name === null ? {} : { variant: variant.name }),
    repeat: index,
    data: writeGoalData({ trial, seed: trialSeed, hiddenRoles }),
    ...(expected === undefined ? {} : { expected }),
  };
}

/** A target may be named by an address of any length; a trial's name stands in tables and headers. */
function named(trial: string): string {
  return trial.length <= LONGEST_NAME ? trial : `${trial.slice(0, LONGEST_NAME - 17)}~${stableKey(trial)}`;
}

/** Variants and targets share the seeds, so that they can be compared trial by trial. */
function seedOf(seed: number, experiment: string, index: number): number {
  return seededRandom(seed, 'experiments', experiment, index).integer(2 ** 31);
}
