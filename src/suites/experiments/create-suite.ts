import { UsageError } from '../../core/index.ts';
import type { Suite } from '../../engine/index.ts';
import type { Playbook } from '../../simulator/index.ts';
import type { ExperimentsConfig } from './config.ts';
import { executeTrial } from './execute.ts';
import { loadExperiments } from './load-experiments.ts';
import { planTrials } from './plan.ts';
import { checkVariants, chosenVariants } from './variants.ts';

/** A suite, and the files it was made from. */
export interface ExperimentsSuite extends Suite {
  readonly kind: 'experiments';
  /** Absolute paths of the experiments' modules and of the local files those import. */
  readonly files: readonly string[];
  /** How the simulator is to answer what the experiments ask. */
  readonly playbooks: readonly Playbook[];
}

/**
 * The suite of the chosen experiments. Loads their modules, which runs what stands at their top level.
 *
 * @throws UsageError for specs, modules, variants or numbers that cannot be used
 */
export async function createExperimentsSuite(config: ExperimentsConfig): Promise<ExperimentsSuite> {
  const { trials, threshold } = config;
  if (trials !== undefined && !(Number.isInteger(trials) && trials > 0)) {
    throw new UsageError({ message: `--trials ${trials}: not a whole number above 0`, hint: 'give --trials a number such as 50' });
  }
  const experiments = await loadExperiments(config);
  checkVariants(experiments, config.variants);
  const byId = new Map(experiments.map((experiment) => [experiment.id, { experiment, variants: chosenVariants(experiment, config), threshold, mayStart: config.mayStart }]));
  return {
    kind: 'experiments',
    files: [...new Set(experiments.flatMap(({ files }) => files))],
    playbooks: experiments.flatMap(({ playbook }) => (playbook === undefined ? [] : [playbook])),
    plan: (ctx) => planTrials(experiments, config, ctx),
    execute: async (goal, ctx) => {
      const chosen = byId.get(goal.plugin);
      if (chosen === undefined) throw new UsageError({ code: 'not_found', message: `the run was given no experiment ${goal.plugin}`, hint: 'start a new run' });
      return executeTrial(goal, ctx, chosen);
    },
  };
}
