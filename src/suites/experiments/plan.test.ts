import { describe, expect, it } from 'vitest';
import type { GoalPlan } from '../../engine/index.ts';
import type { ExperimentsConfig } from './config.ts';
import type { Experiment } from './contract.ts';
import { createExperimentsSuite } from './create-suite.ts';
import { readGoalData } from './goal-data.ts';

type Change = Omit<Partial<ExperimentsConfig>, 'builtIn'> & { readonly experiment?: Partial<Experiment>; readonly version?: number; readonly seed?: number; readonly targets?: readonly string[] };

async function planned({ experiment = {}, version = 1, seed = 7, targets = ['sim:weak'], ...config }: Change = {}): Promise<GoalPlan[]> {
  const definition: Experiment = { variants: { a: { turns: 1 }, b: { turns: 2 } }, run: () => 1, ...experiment };
  const suite = await createExperimentsSuite({
    specs: ['experiments.game'],
    cwd: '/',
    trials: 3,
    builtIn: [{ name: 'game', description: 'plays', version, tags: [], load: () => Promise.resolve(definition as Experiment<never>) }],
    ...config,
  });
  return Array.fromAsync(suite.plan({ seed, targets, signal: new AbortController().signal }));
}

const seedOf = (plan: GoalPlan): number => readGoalData({ data: plan.data } as never).seed;

describe('the plan of an experiment', () => {
  it('takes turns between variants and targets, so that a run that stops early is comparable', async () => {
    const goals = await planned({ targets: ['x', 'y'], trials: 2 });
    expect(goals.map(({ text }) => text)).toEqual(['game/a#0@x', 'game/a#0@y', 'game/b#0@x', 'game/b#0@y', 'game/a#1@x', 'game/a#1@y', 'game/b#1@x', 'game/b#1@y']);
    expect(goals[3]).toMatchObject({ plugin: 'experiments.game', variant: 'b', target: 'y', repeat: 0 });
  });

  it('gives trials of one index the same seed in every variant and against every target, and each index another', async () => {
    const goals = await planned({ targets: ['x', 'y'], trials: 5 });
    const byIndex = Map.groupBy(goals, ({ repeat }) => repeat);
    const seeds = [...byIndex.values()].map((same) => new Set(same.map(seedOf)));
    expect(seeds.map(({ size }) => size)).toEqual([1, 1, 1, 1, 1]);
    expect(new Set(seeds.flatMap((set) => [...set])).size).toBe(5);
  });

  it('needs no target and no variants', async () => {
    expect((await planned({ targets: [], experiment: { variants: undefined }, trials: 1 })).map(({ text, target, variant }) => ({ text, target, variant }))).toEqual([{ text: 'game#0', target: 'none', variant: undefined }]);
  });

  it('has ten trials of each variant by default', async () => {
    expect(await planned({ trials: undefined })).toHaveLength(20);
  });

  it('has the same keys for the same, also for a part of the variants, and more trials only add', async () => {
    const all = await planned();
    expect(await planned()).toEqual(all);
    const keys = all.map(({ key }) => key);
    expect(new Set(keys).size).toBe(6);
    expect((await planned({ variants: ['b'] })).map(({ key }) => key)).toEqual(all.filter(({ variant }) => variant === 'b').map(({ key }) => key));
    expect((await planned({ trials: 4 })).slice(0, 6).map(({ key }) => key)).toEqual(keys);
  });

  it.each<[string, Change]>([
    ['the version', { version: 2 }],
    ["the experiment's own version", { experiment: { version: 'b' } }],
    ['the seed', { seed: 8 }],
    ['the target', { targets: ['sim:strong'] }],
    ['parameters of the variants', { experiment: { variants: { a: { turns: 5 }, b: { turns: 6 } } } }],
    ['parameters that are functions', { experiment: { variants: { a: { ask: () => 1 }, b: { ask: () => 2 } } } }],
    ['parameters of the configuration', { params: { turns: 9 } }],
    ['the threshold', { threshold: 0.3 }],
  ])('has other keys where %s changes', async (_what, change) => {
    const before = (await planned()).map(({ key }) => key);
    const after = (await planned(change)).map(({ key }) => key);
    expect(after.filter((key) => before.includes(key))).toEqual([]);
  });

  it.each<[string, Change, string]>([
    ['a variant that is not there', { variants: ['c'] }, '--variant c: no experiment of this run has such a variant'],
    ['no trials', { trials: 0 }, '--trials 0: not a whole number above 0'],
    ['parameters laid over what is no mapping', { params: { turns: 1 }, experiment: { variants: { a: 3 } } }, 'experiments.params cannot be laid over the parameters of experiments.game, variant a'],
    ['an experiment that is not there', { specs: ['experiments.gmae'] }, 'there is no experiment "experiments.gmae"'],
  ])('is refused for %s', async (_what, change, message) => {
    await expect(planned(change)).rejects.toThrow(expect.objectContaining({ message: expect.stringContaining(message) as unknown }));
  });
});
