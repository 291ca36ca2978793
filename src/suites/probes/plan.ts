import { CancelledError, seededRandom, stableKey } from '../../core/index.ts';
import type { GoalPlan, PlanContext } from '../../engine/index.ts';
import { loadTokenizer } from '../../protocols/index.ts';
import type { Probe, ProbeDescription, ProbePrompt, PromptMessage } from './contract.ts';
import { DEFAULT_PROMPTS_PER_PROBE, type ProbesConfig } from './config.ts';
import { customProbe } from './custom/description.ts';
import { checkPrompts } from './custom/prompts-file.ts';
import { chooseStreamed } from './custom/choose-streamed.ts';
import { expectedLoad } from './expected-load.ts';
import { writeGoalData } from './goal-data.ts';

type Planned = ProbePrompt & { readonly item: number; readonly detectors: readonly string[] };

/**
 * Plans the goals of the chosen probes, one at a time: probe by probe, prompt by prompt, repeat by repeat, target by target (so that
 * several targets work side by side). The same configuration and seed give the same goals.
 */
export async function* planProbes(chosen: readonly (Probe | typeof customProbe)[], config: ProbesConfig, ctx: PlanContext): AsyncGenerator<GoalPlan> {
  const countTokens = await loadTokenizer();
  for (const probe of chosen) {
    for await (const prompt of promptsOf(probe, config, ctx)) {
      for (let repeat = 0; repeat < (config.repeats ?? 1); repeat++) {
        for (const target of config.targets ?? ctx.targets) {
          if (ctx.signal.aborted) throw new CancelledError({ cause: ctx.signal.reason });
          yield planGoal({ probe, prompt, repeat, target, config, seed: ctx.seed, countTokens });
        }
      }
    }
  }
}

async function* promptsOf(probe: Probe | typeof customProbe, config: ProbesConfig, ctx: PlanContext): AsyncGenerator<Planned> {
  if (!('prompts' in probe)) {
    const { promptsFile, detectors = [] } = config.custom ?? {};
    const checked = await checkPrompts({ file: promptsFile!, detectors, system: config.model?.system });
    const cap = config.promptsPerProbe ?? checked.count;
    yield* chooseStreamed(checked.prompts(), { count: checked.count, cap, random: seededRandom(ctx.seed, probe.id, probe.version) });
    return;
  }
  const cap = config.promptsPerProbe ?? DEFAULT_PROMPTS_PER_PROBE;
  const { system } = config.model ?? {};
  let item = 0;
  for (const prompt of probe.prompts(seededRandom(ctx.seed, probe.id, probe.version), system === undefined ? {} : { system })) {
    yield { ...prompt, item: item++, detectors: probe.detectors };
    if (item >= cap) return;
  }
}

interface GoalParts {
  readonly probe: ProbeDescription & { readonly turns?: number };
  readonly prompt: Planned;
  readonly repeat: number;
  readonly target: string;
  readonly config: ProbesConfig;
  readonly seed: number;
  readonly countTokens: (text: string) => number;
}

function planGoal({ probe, prompt, repeat, target, config, seed, countTokens }: GoalParts): GoalPlan {
  const { system, seed: modelSeed, ...parameters } = config.model ?? {};
  const generations = config.generations ?? 1;
  const model = { ...parameters, ...(modelSeed === undefined ? {} : { seed: modelSeed + repeat * generations }) };
  const hasSystem = prompt.messages.some((message) => message.role === 'system');
  const messages: readonly PromptMessage[] = system === undefined || hasSystem ? prompt.messages : [{ role: 'system', content: system }, ...prompt.messages];
  const data = writeGoalData({
    messages,
    notes: prompt.notes,
    model,
    generations,
    detectors: prompt.detectors,
    deciding: probe.id === customProbe.id ? prompt.detectors.length : 1,
  });
  return {
    key: stableKey({ plugin: probe.id, version: probe.version, item: prompt.item, messages, notes: prompt.notes, model, generations, repeat, seed, target }),
    plugin: probe.id,
    target,
    text: goalText(probe, prompt),
    item: prompt.item,
    repeat,
    tags: probe.tags,
    data,
    ...(probe.sequential === true ? { lane: `${probe.id} ${target}` } : {}),
    // Counted only when asked for: a run has no need of it.
    get expected() {
      return expectedLoad({ messages, notes: prompt.notes, generations, turns: probe.turns ?? 1, maxOutputTokens: model.maxOutputTokens }, countTokens);
    },
  };
}

const EXCERPT = 100;

function goalText(probe: ProbeDescription, prompt: ProbePrompt): string {
  if (prompt.goal !== undefined) return prompt.goal;
  const line = (prompt.messages.findLast((message) => message.role === 'user')?.content ?? '').replaceAll(/\s+/g, ' ').trim();
  const characters = Array.from(line.slice(0, 4 * EXCERPT));
  const excerpt = characters.length > EXCERPT ? `${characters.slice(0, EXCERPT - 1).join('')}…` : characters.join('');
  return probe.id === customProbe.id ? excerpt : `${probe.goal}: ${excerpt}`;
}
