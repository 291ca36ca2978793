import { describe, expect, it } from 'vitest';
import type { Limits } from '../limiter/index.ts';
import { dryRun, type DryRun } from './dry-run.ts';
import { plan, suiteOf } from './testing/bench.ts';

function dry(limits: Readonly<Record<string, Limits>>, costFor: (target: string, prompt: number, output: number) => number | null = () => null): Promise<DryRun> {
  const expected = { calls: 2, promptTokens: 100, outputTokens: 300 };
  const suite = suiteOf(60, { planOf: (index) => plan(index, { target: index % 3 === 0 ? 'a' : 'b', plugin: index < 30 ? 'p' : 'q', expected }) });
  return dryRun({ suites: [suite], ctx: { seed: 1, targets: ['a', 'b'], signal: new AbortController().signal }, limitsFor: (target) => limits[target], costFor });
}

describe('a dry run', () => {
  it('adds up what the suites plan, by plugin and target', async () => {
    const result = await dry({});
    expect(result).toMatchObject({ goals: 60, calls: 120, promptTokens: 6_000, totalTokens: { low: 6_000, high: 24_000 }, costUsd: null, seconds: null });
    expect(result.byPlugin.map(({ plugin, target, goals }) => [plugin, target, goals])).toEqual([
      ['p', 'a', 10],
      ['p', 'b', 20],
      ['q', 'a', 10],
      ['q', 'b', 20],
    ]);
  });

  it.each<[string, Record<string, Limits>, number | null]>([
    ['requests a second', { b: { rps: 2 } }, 40],
    ['requests a minute', { b: { rpm: 80 } }, 60],
    ['tokens a minute', { b: { tpm: 16_000 } }, 60],
    ['input tokens a minute', { b: { itpm: 1_000 } }, 240],
    ['output tokens a minute', { b: { otpm: 12_000 } }, 60],
    ['the tightest of several', { b: { rpm: 80, itpm: 1_000 } }, 240],
    ['the slowest target, as they run side by side', { a: { rpm: 10 }, b: { rpm: 80 } }, 240],
    ['none that bears on time', { b: { concurrency: 3 } }, null],
  ])('takes at least the time that %s allows', async (_what, limits, seconds) => {
    expect((await dry(limits)).seconds).toBe(seconds);
  });

  it('knows the cost only where every price is known', async () => {
    expect((await dry({}, (_target, prompt, output) => prompt + output)).costUsd).toEqual({ low: 6_000, high: 24_000 });
    expect((await dry({}, (target) => (target === 'a' ? 1 : null))).costUsd).toBeNull();
  });
});
