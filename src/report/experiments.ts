import type { BranchSums, Store } from '../store/index.ts';
import { compareArms, type VariantComparison } from './experiment-comparison.ts';
import { readTrials, type Trial, type TrialReads } from './experiment-trials.ts';
import { summarizeVariant, type VariantResult } from './experiment-variant.ts';

/** What an experiment of a run found, variant by variant, and how the variants differ. Plain JSON. */
export interface ExperimentResult {
  /** `experiments.NAME` */
  readonly experiment: string;
  /** In planned order; one for each variant and target. */
  readonly variants: readonly VariantResult[];
  readonly comparisons: readonly VariantComparison[];
}

/** The results of a run's experiments, in planned order. May be asked for while the run goes on. */
export async function summarizeExperiments(store: TrialReads & Pick<Store, 'sumBranches'>, runId: string): Promise<ExperimentResult[]> {
  const trials = await readTrials(store, runId);
  if (trials.length === 0) return [];
  const branches = Map.groupBy((await store.sumBranches({ runId })).filter((sums) => sums.goalIndex !== null), (sums: BranchSums) => sums.goalIndex!);
  return [...Map.groupBy(trials, (trial: Trial) => trial.plugin)].map(([experiment, own]) => {
    const arms = [...Map.groupBy(own, ({ variant, target }: Trial) => JSON.stringify([variant, target])).values()];
    return { experiment, variants: arms.map((arm) => summarizeVariant(arm, branches)), comparisons: compareArms(arms) };
  });
}
