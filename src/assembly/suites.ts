import { resolve } from 'node:path';
import { SUITE_KINDS, UsageError, type SuiteKind } from '../core/index.ts';
import type { AssayConfig } from '../config/index.ts';
import type { Suite } from '../engine/index.ts';
import { createProbesSuite } from '../suites/index.ts';

/** The family a spec belongs to: `probes.encoding` → `probes`; tags and exclusions belong to probes. */
function kindOf(spec: string): string {
  if (spec.startsWith('tag:')) return 'probes';
  return spec.replace(/^-/, '').split(/[.:]/, 1)[0] ?? spec;
}

/** Families that can be run. */
const RUNNABLE: readonly SuiteKind[] = ['probes'];

/**
 * The suites of a configuration.
 *
 * @throws UsageError for a spec that names nothing
 */
export function createSuites(config: AssayConfig, cwd: string): Suite[] {
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
  return [
    createProbesSuite({
      specs: config.suites,
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
    }),
  ];
}
