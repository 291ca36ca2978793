import { describe, expect, test } from 'vitest';
import { seededRandom } from '../core/index.ts';
import { bootstrapMean, differenceOfRates, scoreInterval } from './statistics-mean.ts';
import { wilson } from './statistics.ts';

describe('bootstrap of a mean', () => {
  test.each([
    [6, 0.9],
    [12, 0.92],
    [40, 0.93],
  ])('covers the true mean about 95 times in 100 with %i trials', (trials, least) => {
    const random = seededRandom('coverage', trials);
    const rounds = 400;
    let covered = 0;
    for (let round = 0; round < rounds; round++) {
      // A triangle around 1: no normal distribution, and not skewed.
      const { low, high } = bootstrapMean(Array.from({ length: trials }, () => random.next() + random.next()), random)!;
      if (low <= 1 && high >= 1) covered++;
    }
    expect(covered / rounds).toBeGreaterThan(least);
    expect(covered / rounds).toBeLessThan(0.98);
  });

  test('agrees with the textbook interval of many trials', () => {
    const random = seededRandom('normal');
    const values = Array.from({ length: 200 }, () => 10 + random.next() + random.next() + random.next());
    const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (values.length - 1));
    const half = (1.959963984540054 * deviation) / Math.sqrt(values.length);
    const { low, high } = bootstrapMean(values, random)!;
    expect((high - low) / (2 * half)).toBeCloseTo(1, 1);
  });

  test('of one trial there is none, and of trials that are all the same it is that value', () => {
    expect(bootstrapMean([3], seededRandom(1))).toBeUndefined();
    expect(bootstrapMean([], seededRandom(1))).toBeUndefined();
    expect(bootstrapMean([3, 3, 3], seededRandom(1))).toEqual({ low: 3, high: 3 });
  });

  test('the same seed gives the same interval', () => {
    expect(bootstrapMean([1, 2, 4, 8], seededRandom(1))).toEqual(bootstrapMean([1, 2, 4, 8], seededRandom(1)));
  });
});

describe('the interval of a score', () => {
  test("is Wilson's where every score is 0 or 1", () => {
    expect(scoreInterval([1, 0, 1, 1], seededRandom(1))).toEqual({ ...wilson(3, 4), method: 'wilson' });
  });

  test("is Wilson's where all scores are the same, which claims no certainty", () => {
    expect(scoreInterval([0.5, 0.5], seededRandom(1))).toEqual({ ...wilson(1, 2), method: 'wilson' });
    expect(scoreInterval([0.1, 0.1, 0.1], seededRandom(1))).toEqual({ ...wilson(0.1 + 0.1 + 0.1, 3), method: 'wilson' });
  });

  test('is a bootstrap where scores lie between', () => {
    expect(scoreInterval([0.2, 0.4, 1], seededRandom(1))).toEqual({ ...bootstrapMean([0.2, 0.4, 1], seededRandom(1)), method: 'bootstrap' });
  });

  test('of no scores there is none', () => {
    expect(scoreInterval([], seededRandom(1))).toBeUndefined();
  });
});

describe('the difference of two rates', () => {
  test.each([
    // Newcombe (1998), Statistics in Medicine 17, 873–890, table II, method 10.
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [5, 56, 0, 29, -0.0381, 0.1926],
  ])('agrees with the published interval of %i/%i and %i/%i', (hitsA, trialsA, hitsB, trialsB, low, high) => {
    const interval = differenceOfRates({ hits: hitsA, trials: trialsA }, { hits: hitsB, trials: trialsB })!;
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });

  test('is unknown without trials', () => {
    expect(differenceOfRates({ hits: 0, trials: 0 }, { hits: 1, trials: 2 })).toBeUndefined();
  });
});
