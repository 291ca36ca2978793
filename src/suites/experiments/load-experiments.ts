import { nearest } from '../../config/index.ts';
import { sha256, UsageError } from '../../core/index.ts';
import type { ExperimentsConfig } from './config.ts';
import { loadExperimentFile } from './load-module.ts';
import { readExperiment, type LoadedExperiment } from './loaded-experiment.ts';
import { builtInExperiments, type BuiltInExperiment } from './registry.ts';

/**
 * Loads the chosen experiments, in the order they were named.
 *
 * @throws UsageError for specs that name nothing, modules that cannot be used, and names that two of them share
 */
export async function loadExperiments(config: Pick<ExperimentsConfig, 'specs' | 'cwd' | 'builtIn'>): Promise<LoadedExperiment[]> {
  const builtIn = config.builtIn ?? builtInExperiments;
  const found: LoadedExperiment[] = [];
  for (const spec of new Set(config.specs)) {
    const names = spec === 'experiments' ? builtIn : builtIn.filter(({ name }) => spec === `experiments.${name}`);
    if (spec.startsWith('experiments:')) found.push(await loadExperimentFile(spec.slice('experiments:'.length), config.cwd));
    else if (names.length > 0) found.push(...(await Promise.all(names.map(loadBuiltIn))));
    else throw unknown(spec, builtIn);
  }
  const twice = found.find(({ id }, place) => found.findIndex((each) => each.id === id) !== place);
  if (twice !== undefined) {
    throw new UsageError({ message: `two experiments are called ${twice.name}`, hint: 'set another name: in one of them, defineExperiment({ name: … })' });
  }
  return found;
}

async function loadBuiltIn({ name, version, load }: BuiltInExperiment): Promise<LoadedExperiment> {
  const id = `experiments.${name}`;
  return readExperiment(await load(), { shown: id, defaultName: name, contentHash: sha256(`${name} ${version}`), files: [] });
}

function unknown(spec: string, builtIn: readonly BuiltInExperiment[]): UsageError {
  const names = builtIn.map(({ name }) => `experiments.${name}`);
  const near = nearest(spec, names);
  return new UsageError({
    message: `there is no experiment ${JSON.stringify(spec)}`,
    hint: `${near === undefined ? '' : `did you mean ${near}? `}an experiment of your own is named by its file, e.g. experiments:./my-experiment.ts${names.length === 0 ? '' : `; \`assay plugins\` lists those that come with Assay`}`,
  });
}
