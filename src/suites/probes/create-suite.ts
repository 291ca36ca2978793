import { UsageError } from '../../core/index.ts';
import type { Suite } from '../../engine/index.ts';
import { parseDetectorSpec } from '../../graders/index.ts';
import { selectPlugins } from '../select-plugins.ts';
import type { ProbesConfig } from './config.ts';
import { customProbe } from './custom/description.ts';
import { executeProbe } from './execute.ts';
import { planProbes } from './plan.ts';
import { probes } from './registry.ts';

/**
 * The suite of the chosen probes.
 *
 * @throws UsageError for specs, detectors or numbers that cannot be used; `plan` throws it for a bad file of prompts, before the first goal
 */
export function createProbesSuite(config: ProbesConfig): Suite {
  const chosen = selectPlugins([...probes, customProbe], config.specs);
  checkNumbers(config);
  checkCustom(config, chosen.includes(customProbe));
  const byId = new Map(probes.map((probe) => [probe.id, probe]));
  return {
    kind: 'probes',
    plan: (ctx) => planProbes(chosen, config, ctx),
    execute: async (goal, ctx) => {
      const probe = goal.plugin === customProbe.id ? {} : byId.get(goal.plugin);
      if (probe === undefined) throw new UsageError({ code: 'not_found', message: `there is no probe ${goal.plugin} in this version of Assay`, hint: 'start a new run' });
      return executeProbe(goal, ctx, { probe, hooks: config.hooks, stream: config.stream ?? false });
    },
  };
}

function checkNumbers({ generations, repeats, promptsPerProbe }: ProbesConfig): void {
  for (const [flag, value] of Object.entries({ generations, repeats, 'prompts-per-probe': promptsPerProbe })) {
    if (value !== undefined && !(Number.isInteger(value) && value > 0)) {
      throw new UsageError({ message: `--${flag} ${value}: not a whole number above 0`, hint: `give --${flag} a number such as 5` });
    }
  }
}

function checkCustom({ custom }: ProbesConfig, chosen: boolean): void {
  for (const spec of custom?.detectors ?? []) parseDetectorSpec(spec);
  const twice = custom?.detectors?.find((spec, index, all) => all.indexOf(spec) !== index);
  if (twice !== undefined) throw new UsageError({ message: `--detector ${twice} is given twice`, hint: 'name each detector once' });
  if (chosen && custom?.promptsFile === undefined) {
    throw new UsageError({ message: 'probes.custom needs prompts', hint: 'name a file: --prompts FILE, with one prompt a line or JSONL' });
  }
  if (!chosen && (custom?.promptsFile !== undefined || (custom?.detectors ?? []).length > 0)) {
    throw new UsageError({
      message: `${custom?.promptsFile === undefined ? '--detector' : '--prompts'} is for probes.custom, which is not among the suites`,
      hint: 'add probes.custom to what is run',
    });
  }
}
