import { describe, expect, it } from 'vitest';
import type { Outcome } from '../core/index.ts';
import { wilson } from '../graders/index.ts';
import { summarizeExperiments, type ExperimentResult } from './experiments.ts';
import { runResultView } from './run-views.ts';
import { plantTrials, RUN_ID, T0, type PlantedTrial } from './testing/planted-trials.ts';

const BROKEN: Outcome = { kind: 'error', source: 'target', code: 'call_failed', reason: 'HTTP 500' };

async function summary(trials: readonly PlantedTrial[], run: Parameters<typeof plantTrials>[1] = {}): Promise<ExperimentResult> {
  const store = await plantTrials(trials, run);
  try {
    const [result, ...others] = await summarizeExperiments(store, RUN_ID);
    expect(others).toEqual([]);
    return result!;
  } finally {
    await store.close();
  }
}

const a = (repeat: number, change: Partial<PlantedTrial> = {}): PlantedTrial => ({ variant: 'a', repeat, ...change });
const b = (repeat: number, change: Partial<PlantedTrial> = {}): PlantedTrial => ({ variant: 'b', repeat, ...change });

describe('scores of a variant', () => {
  it('count errors as no scores, and say where the mean would lie had they gone either way', async () => {
    const { variants } = await summary([a(0, { scores: { score: 1 } }), a(1, { scores: { score: 0 } }), a(2, { scores: { score: 1 } }), a(3, { outcome: BROKEN }), a(4, { outcome: null })]);
    expect(variants).toHaveLength(1);
    expect(variants[0]).toMatchObject({
      variant: 'a',
      target: 'sim:weak',
      trials: { planned: 5, passed: 2, failed: 1, undetermined: 0, errors: 1, unfinished: 1 },
      scores: [{ name: 'score', mean: 2 / 3, interval: { ...wilson(2, 3), method: 'wilson' }, scored: 3, total: 4, bounds: { low: 2 / 4, high: 3 / 4 } }],
      pass_rate: { rate: 2 / 3, interval: wilson(2, 3), scored: 3, total: 4, bounds: { low: 2 / 4, high: 3 / 4 } },
    });
  });

  it('that lie between 0 and 1 have a bootstrap interval, the same at every look', async () => {
    const trials = [0.1, 0.4, 0.5, 0.9].map((score, repeat) => a(repeat, { scores: { score } }));
    const [once, again] = [await summary(trials), await summary(trials)];
    const score = once.variants[0]!.scores[0]!;
    expect(score).toMatchObject({ mean: 0.475, interval: { method: 'bootstrap' } });
    expect(score.interval!.low).toBeGreaterThan(0.1 - 1e-9);
    expect(score.interval!.high).toBeLessThan(0.9 + 1e-9);
    expect(again).toEqual(once);
  });

  it('may have several names, of which the main one comes first; abstentions are not scored', async () => {
    const { variants } = await summary([a(0, { scores: { leaks: 1, score: 0.5 } }), a(1, { scores: { leaks: null, score: 0.5 } })]);
    expect(variants[0]!.scores.map(({ name, scored, total }) => [name, scored, total])).toEqual([
      ['score', 2, 2],
      ['leaks', 1, 2],
    ]);
  });
});

describe('what the trials of a variant take', () => {
  it('is the mean over trials without error, while the bill has every call', async () => {
    const { variants } = await summary([
      a(0, { scores: { score: 1 }, calls: [{ tokens: [10, 5], costUsd: 0.01 }, { tokens: [20, 5], costUsd: 0.02, role: 'memory', waitedMs: 40 }] }),
      a(1, { scores: { score: 1 }, calls: [{ tokens: [30, 10], costUsd: 0.03 }, { status: 'http_error' }, { status: 'replayed' }] }),
      a(2, { outcome: BROKEN, calls: [{ tokens: [1_000, 0], costUsd: 1 }] }),
    ]);
    const { per_trial: used, by_role: roles, totals } = variants[0]!;
    expect(used).toMatchObject({
      calls: { mean: 2, interval: { low: 2, high: 2 }, trials: 2 },
      explicit_calls: { mean: 1.5 },
      hidden_calls: { mean: 0.5 },
      failed_calls: { mean: 0.5 },
      prompt_tokens: { mean: 30 },
      completion_tokens: { mean: 10 },
      total_tokens: { mean: 40 },
      cost_usd: { mean: 0.03, trials: 2 },
      waited_ms: { mean: 20 },
    });
    expect(roles).toEqual({ target: { calls: 1.5, total_tokens: 27.5 }, memory: { calls: 0.5, total_tokens: 12.5 } });
    expect(totals).toEqual({ calls: 5, failed_calls: 1, prompt_tokens: 1_060, completion_tokens: 20, total_tokens: 1_080, cost_usd: expect.closeTo(1.06, 10) as number, unknown_calls: 1, estimated_calls: 0, waited_ms: 40, replayed_calls: 1 });
  });

  it('leaves a cost that is not known unknown', async () => {
    const { variants } = await summary([a(0, { scores: { score: 1 }, calls: [{ tokens: [1, 1] }] }), a(1, { scores: { score: 1 }, calls: [{ tokens: [1, 1], costUsd: 0.5 }] })]);
    expect(variants[0]!.per_trial!.cost_usd).toEqual({ mean: 0.5, interval: null, trials: 1 });
    expect(variants[0]!.totals).toMatchObject({ cost_usd: 0.5, unpriced_calls: 1 });
  });

  it('is told per turn where trials note their turns, explicit and hidden calls apart', async () => {
    const calls = [{ tokens: [1, 1] as const }, { tokens: [1, 1] as const }, { tokens: [1, 1] as const, role: 'memory' }];
    const { variants } = await summary([a(0, { scores: { score: 1 }, notes: { turns: 2, mood: 'fine' }, calls }), a(1, { scores: { score: 1 }, notes: { turns: 4 }, calls })]);
    expect(variants[0]!.per_trial).toMatchObject({ calls_per_turn: { mean: 1.125 }, explicit_calls_per_turn: { mean: 0.75 }, hidden_calls_per_turn: { mean: 0.375 } });
    expect(variants[0]!.measures).toEqual({ turns: { mean: 3, interval: { low: 2, high: 4 }, trials: 2 } });
  });

  it('of a trial that broke off and ran again is what the second try used; the first is in the bill', async () => {
    const trials = [a(0, { scores: { score: 1 }, calls: [{ tokens: [500, 0], status: 'ok', at: -4_000 }, { status: 'lost', at: -3_000 }, { tokens: [10, 0] }] }), a(1, { scores: { score: 1 }, calls: [{ tokens: [20, 0] }] })];
    const { variants } = await summary(trials, { resumes: 1 });
    expect(variants[0]).toMatchObject({ trials: { redone: 1 }, per_trial: { calls: { mean: 1 }, total_tokens: { mean: 15 } }, totals: { calls: 4, total_tokens: 530, unknown_calls: 1 } });
  });

  it('counts the steps that were finished before a trial broke off: they were not done again', async () => {
    const store = await plantTrials([a(0, { scores: { score: 1 }, calls: [{ tokens: [500, 0], at: -4_000 }, { tokens: [7, 0], at: -2_000 }, { tokens: [10, 0] }] })], { resumes: 1 });
    await store.write({ op: 'step.finish', step: { runId: RUN_ID, goalIndex: 0, key: 's', name: 's', value: 1, startedAt: T0 - 2_500, endedAt: T0 - 1_500 } });
    const [{ variants }] = (await summarizeExperiments(store, RUN_ID)) as [ExperimentResult];
    expect(variants[0]).toMatchObject({ per_trial: { calls: { mean: 2 }, total_tokens: { mean: 17 } }, totals: { total_tokens: 517 } });
    await store.close();
  });

  it('is told before the fork and in the branches', async () => {
    const fork = (prompt: number): PlantedTrial['calls'] => [{ tokens: [prompt, 0] }, { tokens: [5, 0] }, { tokens: [100, 0], branch: 'secret' }, { tokens: [200, 0], branch: 'candidate' }, { tokens: [300, 0], branch: 'candidate' }];
    const { variants } = await summary([a(0, { scores: { score: 1 }, calls: fork(10) }), a(1, { scores: { score: 1 }, calls: fork(30) }), a(2, { scores: { score: 1 }, calls: [{ tokens: [1, 1] }] })]);
    expect(variants[0]!.forks).toEqual({
      trials: 2,
      pre_fork: { calls: 2, total_tokens: 25 },
      branches: { calls: 3, total_tokens: 600 },
      by_branch: {
        candidate: { trials: 2, calls: 2, total_tokens: 500, pre_fork_calls: 2, pre_fork_tokens: 25 },
        secret: { trials: 2, calls: 1, total_tokens: 100, pre_fork_calls: 2, pre_fork_tokens: 25 },
      },
    });
  });
});

describe('how variants differ', () => {
  it('is tested within seeds: a trial whose partner failed is left out', async () => {
    // Differences 0.2, 0.3, 0.1, 0.4: with every sign turned either way, 2 of 16 sums reach 1.0.
    const [ofA, ofB] = [[0.5, 0.8, 0.6, 0.9, 0.1], [0.3, 0.5, 0.5, 0.5]];
    const { comparisons } = await summary([...ofA.map((score, repeat) => a(repeat, { scores: { score } })), ...ofB.map((score, repeat) => b(repeat, { scores: { score } })), b(4, { outcome: BROKEN })]);
    const score = comparisons.find(({ metric }) => metric === 'score')!;
    expect(score).toMatchObject({ a: { variant: 'a' }, b: { variant: 'b' }, difference: expect.closeTo(0.25, 10) as number, p: 2 / 16, method: 'paired', test: 'exact', n: 4, unpaired: 1 });
    expect(score.interval!.low).toBeGreaterThan(0.1 - 1e-9);
  });

  it('is corrected for all comparisons of the experiment', async () => {
    const trials = Array.from({ length: 8 }, (_, repeat) => [a(repeat, { scores: { score: 1 }, calls: [{ tokens: [5 + repeat, 0] }] }), b(repeat, { scores: { score: 0 }, calls: [{ tokens: [5, 0] }, { tokens: [repeat, 0] }] })]).flat();
    const { comparisons } = await summary(trials);
    // All 8 pairs differ one way in score and calls: 2 of 256 arrangements. Tokens do not differ.
    expect(Object.fromEntries(comparisons.map(({ metric, p, p_holm: corrected }) => [metric, [p, corrected]]))).toEqual({
      score: [2 / 256, 6 / 256],
      calls: [2 / 256, 6 / 256],
      total_tokens: [1, 1],
    });
  });

  it('compares variants against one target and targets with one variant, never both at once', async () => {
    const trials = ['x', 'y'].flatMap((target) => [a(0, { target, scores: { score: 1 } }), a(1, { target, scores: { score: 0 } }), b(0, { target, scores: { score: 1 } }), b(1, { target, scores: { score: 1 } })]);
    const { comparisons } = await summary(trials);
    const pairs = comparisons.filter(({ metric }) => metric === 'score').map(({ a: one, b: other }) => `${one.variant}${one.target} ${other.variant}${other.target}`);
    expect(pairs.toSorted()).toEqual(['ax ay', 'ax bx', 'ay by', 'bx by']);
  });

  it('is not paired where no seed is shared', async () => {
    const { comparisons } = await summary([...[1, 1, 1, 0].map((score, place) => a(place, { scores: { score } })), ...[1, 0, 0, 0].map((score, place) => b(10 + place, { scores: { score } }))]);
    expect(comparisons.find(({ metric }) => metric === 'score')).toMatchObject({ method: 'unpaired', n: 8, unpaired: 8, p: expect.closeTo(34 / 70, 10) as number });
  });

  it('is told of passing where there are no scores', async () => {
    const passed = (kind: 'passed' | 'failed') => ({ outcome: { kind } as Outcome });
    const { comparisons } = await summary([a(0, passed('passed')), a(1, passed('passed')), b(0, passed('failed')), b(1, passed('passed'))]);
    expect(comparisons.map(({ metric }) => metric)).toContain('passed');
    expect(comparisons.find(({ metric }) => metric === 'passed')).toMatchObject({ difference: 0.5, n: 2 });
  });
});

describe("a run's document", () => {
  it('has the experiments only where there are any', async () => {
    const store = await plantTrials([a(0, { scores: { score: 1 } })]);
    expect(await runResultView(store, RUN_ID)).toMatchObject({ results: [], experiments: [{ experiment: 'experiments.game' }] });
    await store.close();
    const probes = await plantTrials([], { suites: ['probes.encoding'] });
    expect(await runResultView(probes, RUN_ID)).not.toHaveProperty('experiments');
    await probes.close();
  });
});
