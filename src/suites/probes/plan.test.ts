import { describe, expect, test } from 'vitest';
import { createProbesSuite } from './create-suite.ts';
import { planProbes } from './plan.ts';
import { probes } from './registry.ts';
import { planned } from './testing/planned.ts';

const keys = async (...args: Parameters<typeof planned>): Promise<string[]> => (await planned(...args)).map((goal) => goal.key);
const one = { specs: ['probes.encoding.base64'] };

describe('keys', () => {
  test('planning twice gives the same goals', async () => {
    const strip = async (): Promise<unknown> => JSON.parse(JSON.stringify(await planned({ specs: ['probes'], repeats: 2 })));
    expect(await strip()).toEqual(await strip());
  });

  test('no two goals of a plan share a key', async () => {
    const all = await keys({ specs: ['probes'], repeats: 2, targets: ['sim:weak', 'sim:guarded'], promptsPerProbe: 4 });
    expect(all).toHaveLength(probes.length * 2 * 2 * 4);
    expect(new Set(all).size).toBe(all.length);
  });

  test.each([
    ['temperature', { ...one, model: { temperature: 0.5 } }, {}],
    ['maximum output', { ...one, model: { maxOutputTokens: 99 } }, {}],
    ["the model's seed", { ...one, model: { seed: 4 } }, {}],
    ['system prompt', { ...one, model: { system: 'Be kind.' } }, {}],
    ['generations', { ...one, generations: 3 }, {}],
    ['seed of the run', one, { seed: 2 }],
    ['target', one, { targets: ['sim:guarded'] }],
  ])('another %s gives other keys', async (_what, config, context) => {
    const changed = new Set(await keys(config, context));
    expect((await keys(one)).filter((key) => changed.has(key))).toEqual([]);
  });

  test.each([
    ['a smaller cap', { ...one, promptsPerProbe: 4 }],
    ['more repeats', { ...one, repeats: 2 }],
    ['other suites beside it', { specs: ['probes.encoding'] }],
    ['streaming', { ...one, stream: true }],
  ])('%s keeps the keys of goals that are in both', async (_what, config) => {
    const [before, after] = [await keys(one), await keys(config)];
    expect(before.filter((key) => after.includes(key))).toHaveLength(Math.min(before.length, 'promptsPerProbe' in config ? 4 : 10));
  });
});

test('each probe brings ten prompts unless told otherwise, and not more than it has', async () => {
  expect(await planned(one)).toHaveLength(10);
  expect(await planned({ specs: ['probes.sysprompt.direct'], promptsPerProbe: 50, model: { system: 'Be brief.' } })).toHaveLength(10);
});

test('targets take turns, so that they can work side by side', async () => {
  const plans = await planned({ ...one, promptsPerProbe: 2, repeats: 2 }, { targets: ['a:1', 'b:2'] });
  expect(plans.map((goal) => [goal.item, goal.repeat, goal.target])).toEqual([
    [0, 0, 'a:1'],
    [0, 0, 'b:2'],
    [0, 1, 'a:1'],
    [0, 1, 'b:2'],
    [1, 0, 'a:1'],
    [1, 0, 'b:2'],
    [1, 1, 'a:1'],
    [1, 1, 'b:2'],
  ]);
});

test('all targets and repeats get the same prompts', async () => {
  const plans = await planned({ ...one, repeats: 2 }, { targets: ['a:1', 'b:2'] });
  const byItem = Map.groupBy(plans, (goal) => goal.item);
  expect([...byItem.values()].map((goals) => new Set(goals.map((goal) => JSON.stringify((goal.data as { messages: unknown }).messages))).size)).toEqual(Array.from({ length: 10 }, () => 1));
});

test("a given model seed is raised with each repeat, so that repeats may differ", async () => {
  const plans = await planned({ ...one, promptsPerProbe: 1, repeats: 3, generations: 2, model: { seed: 100 } });
  expect(plans.map((goal) => (goal.data as { model: { seed: number } }).model.seed)).toEqual([100, 102, 104]);
});

test('the plan is lazy: a hundred thousand prompts cost nothing until they are asked for, and a cancelled plan ends', async () => {
  const controller = new AbortController();
  const plan = createProbesSuite({ ...one, promptsPerProbe: 100_000 }).plan({ seed: 1, targets: ['sim:weak'], signal: controller.signal })[Symbol.asyncIterator]();
  expect((await plan.next()).value.item).toBe(0);
  controller.abort();
  await expect(plan.next()).rejects.toMatchObject({ code: 'cancelled' });
});

test('a dry run is told calls and tokens: every turn, every answer at its longest', async () => {
  const [single] = await planned({ ...one, generations: 3, model: { maxOutputTokens: 50 } });
  expect(single!.expected).toEqual({ calls: 3, promptTokens: expect.any(Number), outputTokens: 150 });
  expect(single!.expected!.promptTokens % 3).toBe(0);
  expect(single!.expected!.promptTokens).toBeGreaterThan(3 * 20);
  const [chat] = await planned({ specs: ['probes.sysprompt.follow-up'], model: { maxOutputTokens: 50 } });
  expect(chat!.expected).toMatchObject({ calls: 3, outputTokens: 150 });
  // The third turn carries two answers of 50 tokens, the second one of them.
  expect(chat!.expected!.promptTokens).toBeGreaterThan(150);
});

describe('configurations that cannot be used', () => {
  test.each([
    [{ specs: ['probes.encodin'] }, 'nothing called "probes.encodin"'],
    [{ specs: ['probes.custom'] }, 'probes.custom needs prompts'],
    [{ ...one, custom: { promptsFile: 'x' } }, '--prompts is for probes.custom'],
    [{ ...one, custom: { detectors: ['refusal'] } }, '--detector is for probes.custom'],
    [{ specs: ['probes.custom'], custom: { promptsFile: 'x', detectors: ['nonsense'] } }, 'no detector "nonsense"'],
    [{ specs: ['probes.custom'], custom: { promptsFile: 'x', detectors: ['refusal', 'refusal'] } }, 'given twice'],
    [{ ...one, generations: 0 }, '--generations 0'],
    [{ ...one, repeats: 1.5 }, '--repeats 1.5'],
    [{ ...one, promptsPerProbe: -1 }, '--prompts-per-probe -1'],
  ])('%j is refused', (config, message) => {
    expect(() => createProbesSuite(config)).toThrow(expect.objectContaining({ code: 'usage', message: expect.stringContaining(message), hint: expect.any(String) }));
  });
});

describe('a probe that declares itself sequential', () => {
  test('has its goals in one lane a target, so that they run one after another', async () => {
    const [probe] = probes;
    const lanes = new Map<string, Set<string | undefined>>();
    const ctx = { seed: 1, targets: ['sim:weak', 'sim:guarded'], signal: new AbortController().signal };
    for await (const goal of planProbes([{ ...probe!, sequential: true }], { specs: [] }, ctx)) lanes.set(goal.target, (lanes.get(goal.target) ?? new Set()).add(goal.lane));
    expect([...lanes].map(([target, each]) => [target, [...each]])).toEqual(ctx.targets.map((target) => [target, [`${probe!.id} ${target}`]]));
    for await (const goal of planProbes([probe!], { specs: [] }, ctx)) expect(goal.lane).toBeUndefined();
  });
});
