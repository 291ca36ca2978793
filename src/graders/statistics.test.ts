import { assert as holds, double, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../core/index.ts';
import { boundsIfUnscored, bootstrapByPrompt, wilson } from './statistics.ts';

describe('wilson', () => {
  test.each([
    // Newcombe (1998), table I, method 3.
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('agrees with the published interval of %i in %i', (hits, trials, low, high) => {
    const interval = wilson(hits, trials)!;
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });

  test('without trials there is no interval', () => {
    expect(wilson(0, 0)).toBeUndefined();
  });

  test('more hits than trials are refused', () => {
    expect(() => wilson(3, 2)).toThrow('3 hits of 2 trials');
  });

  test('the interval holds the rate, stays within 0 and 1, and mirrors', () => {
    holds(
      property(integer({ min: 1, max: 100_000 }), double({ min: 0, max: 1, noNaN: true }), (trials, share) => {
        const hits = Math.round(share * trials);
        const { low, high } = wilson(hits, trials)!;
        const mirrored = wilson(trials - hits, trials)!;
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(hits / trials);
        expect(high).toBeGreaterThanOrEqual(hits / trials);
        expect(mirrored.low).toBeCloseTo(1 - high, 10);
      }),
    );
  });
});

describe('bootstrap by prompt', () => {
  const mixed = Array.from({ length: 40 }, (_, index) => ({ hits: index % 6, scored: 5 }));

  test('the same seed gives the same interval', () => {
    expect(bootstrapByPrompt(mixed, seededRandom(1))).toEqual(bootstrapByPrompt(mixed, seededRandom(1)));
    expect(bootstrapByPrompt(mixed, seededRandom(1))).not.toEqual(bootstrapByPrompt(mixed, seededRandom(2)));
  });

  test('is wider than Wilson where outputs of one prompt always agree', () => {
    const agreeing = Array.from({ length: 40 }, (_, index) => ({ hits: index % 2 === 0 ? 10 : 0, scored: 10 }));
    const clustered = bootstrapByPrompt(agreeing, seededRandom(1))!;
    const naive = wilson(200, 400)!;
    expect(clustered.high - clustered.low).toBeGreaterThan(2 * (naive.high - naive.low));
    expect(clustered.low).toBeLessThan(0.5);
    expect(clustered.high).toBeGreaterThan(0.5);
  });

  test('agrees with Wilson where each prompt has one output', () => {
    const single = Array.from({ length: 400 }, (_, index) => ({ hits: index % 4 === 0 ? 1 : 0, scored: 1 }));
    const boot = bootstrapByPrompt(single, seededRandom(1))!;
    const score = wilson(100, 400)!;
    expect(boot.low).toBeCloseTo(score.low, 1);
    expect(boot.high).toBeCloseTo(score.high, 1);
  });

  test('does not claim certainty where every prompt was hit every time', () => {
    const all = Array.from({ length: 10 }, () => ({ hits: 5, scored: 5 }));
    expect(bootstrapByPrompt(all, seededRandom(1))).toEqual(wilson(10, 10));
  });

  test('prompts without a score are left out, and without any there is no interval', () => {
    expect(bootstrapByPrompt([...mixed, { hits: 0, scored: 0 }], seededRandom(1))).toEqual(bootstrapByPrompt(mixed, seededRandom(1)));
    expect(bootstrapByPrompt([{ hits: 0, scored: 0 }], seededRandom(1))).toBeUndefined();
  });

  test('covers the true rate about 95 times in 100 where prompts differ', () => {
    const random = seededRandom('coverage');
    const trials = 300;
    let covered = 0;
    for (let trial = 0; trial < trials; trial++) {
      // Each prompt's own rate is uniform on [0, 1], so the true overall rate is one half.
      const clusters = Array.from({ length: 50 }, () => {
        const rate = random.next();
        return { hits: Array.from({ length: 4 }, () => random.next() < rate).filter(Boolean).length, scored: 4 };
      });
      const { low, high } = bootstrapByPrompt(clusters, random)!;
      if (low <= 0.5 && high >= 0.5) covered++;
    }
    expect(covered / trials).toBeGreaterThan(0.9);
    expect(covered / trials).toBeLessThan(0.99);
  });
});

test('bounds say where a rate lies if all that is unscored had gone either way', () => {
  expect(boundsIfUnscored(2, 8, 2)).toEqual({ low: 0.2, high: 0.4 });
  expect(boundsIfUnscored(2, 8, 0)).toEqual({ low: 0.25, high: 0.25 });
  expect(boundsIfUnscored(0, 0, 3)).toEqual({ low: 0, high: 1 });
  expect(boundsIfUnscored(0, 0, 0)).toBeUndefined();
});
