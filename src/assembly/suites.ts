import { resolve } from 'node:path';
import type { Budget } from '../limiter/index.ts';
import { SUITE_KINDS, UsageError, type SuiteKind } from '../core/index.ts';
import type { AssayConfig } from '../config/index.ts';
import type { Suite } from '../engine/index.ts';
import type { Playbook } from '../simulator/index.ts';
import { createExperimentsSuite, createProbesSuite } from '../suites/index.ts';

/** The family a spec belongs to: `probes.encoding` → `probes`; tags and exclusions belong to probes. */
function kindOf(spec: string): string {
  if (spec.startsWith('tag:')) return 'probes';
  return spec.replace(/^-/, '').split(/[.:]/, 1)[0] ?? spec;
}

/** Families that can be run. */
const RUNNABLE: readonly SuiteKind[] = ['probes', 'experiments'];

/** The suites of a run, and the files they were made from beside the configuration. */
export interface RunSuites {
  readonly suites: readonly Suite[];
  readonly files: readonly string[];
  /** How the simulator is to answer what they ask. */
  readonly playbooks: readonly Playbook[];
}

/**
 * The suites of a configuration. Experiments are loaded, which runs what stands at the top level of their modules.
 *
 * @param budget of the run: no trial begins once it is spent
 * @throws UsageError for a spec that names nothing, or a module that cannot be used
 */
export async function createSuites(config: AssayConfig, cwd: string, budget: Budget): Promise<RunSuites> {
  if (config.suites.length === 0) throw new UsageError({ message: 'nothing to run: no suite was named', hint: 'e.g. `assay run probes.encoding --target sim:weak`; `assay plugins` lists what there is' });
  for (const spec of config.suites) {
    const kind = kindOf(spec);
    if ((RUNNABLE as readonly string[]).includes(kind)) continue;
    const known = (SUITE_KINDS as readonly string[]).includes(kind);
    throw new UsageError({
      message: known ? `${kind} cannot be run by this version of Assay` : `"${spec}" names no suite`,
      hint: `what can be run: ${RUNNABLE.join(', ')}; \`assay plugins\` lists them`,
    });
  }
  const specsOf = (kind: SuiteKind): string[] => config.suites.filter((spec) => kindOf(spec) === kind);
  const probes = specsOf('probes').length === 0 ? [] : [probesSuite(config, specsOf('probes'), cwd)];
  const { trials, variants, params, threshold } = config.experiments;
  const experiments =
    specsOf('experiments').length === 0
      ? undefined
      : await createExperimentsSuite({
          specs: specsOf('experiments'),
          cwd,
          ...(trials === undefined ? {} : { trials }),
          ...(variants === undefined ? {} : { variants }),
          ...(params === undefined ? {} : { params }),
          ...(threshold === undefined ? {} : { threshold }),
          // Calls that cannot be held are charged afterwards, so a budget may be overdrawn without a call having been refused.
          mayStart: () => void budget.check({ calls: 1, tokens: 1, usd: 0 }),
        });
  const prompts = config.probes.prompts === undefined ? [] : [resolve(cwd, config.probes.prompts)];
  return { suites: [...probes, ...(experiments === undefined ? [] : [experiments])], files: [...prompts, ...(experiments?.files ?? [])], playbooks: experiments?.playbooks ?? [] };
}

function probesSuite(config: AssayConfig, specs: readonly string[], cwd: string): Suite {
  return createProbesSuite({
    specs,
    targets: config.targets,
    generations: config.generations,
    repeats: config.repeats,
    model: config.parameters,
    stream: config.stream,
    ...(config.probes.promptsPerProbe === undefined ? {} : { promptsPerProbe: config.probes.promptsPerProbe }),
    custom: {
      ...(config.probes.prompts === undefined ? {} : { promptsFile: resolve(cwd, config.probes.prompts) }),
      ...(config.probes.detectors === undefined ? {} : { detectors: config.probes.detectors }),
    },
  });
}
