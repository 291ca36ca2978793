import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { summarizeExperiments, type ExperimentResult } from '../report/index.ts';
import { plantTrials, RUN_ID, type PlantedTrial } from '../report/testing/planted-trials.ts';
import { experimentsText } from './experiment-text.ts';

const colors = pc.createColors(false);

async function text(trials: readonly PlantedTrial[], run: Parameters<typeof plantTrials>[1] = {}): Promise<string> {
  const store = await plantTrials(trials, run);
  const experiments: ExperimentResult[] = await summarizeExperiments(store, RUN_ID);
  await store.close();
  return experimentsText(experiments, { width: 140, colors }).join('\n');
}

const scored = (variant: string | null, repeat: number, score: number, more: Partial<PlantedTrial> = {}): PlantedTrial => ({ variant, repeat, scores: { score }, ...more });

describe('experiments for people', () => {
  it('have a row a variant, with intervals, and the differences', async () => {
    const shown = await text(Array.from({ length: 8 }, (_, repeat) => [scored('short', repeat, 1, { calls: [{ tokens: [10 + repeat, 1] }] }), scored('long', repeat, 0, { calls: [{ tokens: [20, 1] }, { tokens: [20, 1] }] })]).flat());
    expect(shown).toContain('experiments.game');
    expect(shown).toMatch(/^short +8\/8 +1 +0\.676–1 +8\/8 +100\.0 % +67\.6–100\.0 %$/m);
    expect(shown).toMatch(/^short +1 +15 \(\d+–\d+\)$/m);
    expect(shown).toMatch(/^long +2 +42$/m);
    expect(shown).toMatch(/^short − long +score +1 .* 0\.008 +0\.023 +8$/m);
  });

  it('name trials without variants, say what is missing, and leave out what says nothing', async () => {
    const shown = await text([scored(null, 0, 1), { variant: null, repeat: 1, outcome: { kind: 'error', source: 'target', code: 'timeout', reason: 'late' } }, { variant: null, repeat: 2, outcome: null }]);
    expect(shown).toMatch(/variant +trials +score +95 % +scored +if unscored differed +passed +95 % +errors/);
    expect(shown).toMatch(/^all +2\/3 +1 .*1\/2 +0\.5–1 +100\.0 % .* 1$/m);
    expect(shown).not.toContain('calls/trial');
    expect(shown).not.toContain('difference');
  });

  it('tell hidden calls, roles and forks apart where there are any', async () => {
    const calls = [{ tokens: [10, 0] as const }, { tokens: [30, 0] as const, role: 'memory' }, { tokens: [50, 0] as const, branch: 'secret' }];
    const shown = await text([scored('a', 0, 1, { calls, notes: { turns: 2 } }), scored('a', 1, 1, { calls, notes: { turns: 2 } })]);
    expect(shown).toMatch(/variant +calls\/trial +explicit +hidden +calls\/turn +explicit\/turn +hidden\/turn +tokens\/trial/);
    expect(shown).toMatch(/^a +3 +2 +1 +1\.5 +1 +0\.5 +90$/m);
    expect(shown).toMatch(/^a +60 \(2\) +30 \(1\)$/m);
    expect(shown).toMatch(/^a +2 +40 \(2\) +50 \(1\)$/m);
  });

  it('say which trials ran again', async () => {
    expect(await text([scored('a', 0, 1, { calls: [{ tokens: [1, 1], at: -1_000 }, { tokens: [1, 1] }] })], { resumes: 1 })).toContain('1 trial broke off and ran again');
  });

  it('show the clearest differences and count the others', async () => {
    const variants = Array.from({ length: 9 }, (_, place) => String.fromCodePoint(97 + place));
    const shown = await text([0, 1, 2, 3].flatMap((repeat) => variants.map((variant, place) => scored(variant, repeat, place % 2, { calls: [{ tokens: [1, 1] }] }))));
    expect(shown).toContain('and 84 differences more; --json has all');
  });
});
