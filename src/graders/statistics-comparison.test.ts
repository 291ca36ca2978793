import { array, assert as holds, double, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../core/index.ts';
import { comparePaired, compareUnpaired, holm } from './statistics-comparison.ts';

const random = () => seededRandom('test');

/** Chance of at most `k` heads in `n` throws of a fair coin. */
function atMost(k: number, n: number): number {
  let [chance, choose] = [0, 1];
  for (let i = 0; i <= k; i++) {
    chance += choose / 2 ** n;
    choose = (choose * (n - i)) / (i + 1);
  }
  return chance;
}

describe('a paired comparison', () => {
  test("of yes and no is McNemar's exact test", () => {
    // 9 pairs in which only a passed, 2 in which only b did, and 20 that agree.
    const pairs = [...Array.from({ length: 9 }, () => [1, 0] as const), ...Array.from({ length: 2 }, () => [0, 1] as const), ...Array.from({ length: 20 }, () => [1, 1] as const)];
    const found = comparePaired(pairs, random(), { rates: true })!;
    expect(found.test).toEqual({ p: expect.closeTo(2 * atMost(2, 11), 12) as number, method: 'exact' });
    expect(found.difference).toBeCloseTo(7 / 31, 12);
  });

  test('counts arrangements by hand: differences 1, 2, 3 reach 6 in two of eight', () => {
    expect(comparePaired([[1, 0], [2, 0], [3, 0]], random())?.test).toEqual({ p: 0.25, method: 'exact' });
  });

  test('by samples comes near to what all arrangements give', () => {
    const seen = seededRandom('data');
    // 20 pairs that differ by one either way: sampled, and the exact answer is binomial.
    const signs = Array.from({ length: 20 }, () => (seen.next() < 0.75 ? 1 : -1));
    const ups = signs.filter((sign) => sign > 0).length;
    const found = comparePaired(signs.map((sign) => [sign, 0]), random())!;
    expect(found.test.method).toBe('sampled');
    expect(found.test.p).toBeCloseTo(Math.min(1, 2 * atMost(Math.min(ups, 20 - ups), 20)), 1.7);
    expect(found.test.p).toBeGreaterThan(0);
  });

  test('where nothing differs p is 1, and the interval of rates claims no certainty', () => {
    const same = Array.from({ length: 6 }, () => [1, 1] as const);
    const rates = comparePaired(same, random(), { rates: true })!;
    expect(rates).toMatchObject({ difference: 0, test: { p: 1 } });
    expect(rates.interval!.high).toBeGreaterThan(0.3);
    expect(comparePaired(same, random())!.interval).toEqual({ low: 0, high: 0 });
  });

  test('swapping the two turns the difference round and leaves p', () => {
    holds(
      property(array(array(integer({ min: -5, max: 5 }), { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 10 }), (drawn) => {
        const pairs = drawn.map(([a, b]) => [a!, b!] as const);
        const one = comparePaired(pairs, random())!;
        const other = comparePaired(pairs.map(([a, b]) => [b, a] as const), random())!;
        expect(other.difference).toBeCloseTo(-one.difference, 10);
        expect(other.test.p).toBe(one.test.p);
      }),
    );
  });

  test('without pairs there is none', () => {
    expect(comparePaired([], random())).toBeUndefined();
  });

  test('claims a difference where there is none no more often than it says', () => {
    const draws = seededRandom('null');
    const rounds = 400;
    let claimed = 0;
    for (let round = 0; round < rounds; round++) {
      const pairs = Array.from({ length: 10 }, () => [draws.next(), draws.next()] as const);
      if (comparePaired(pairs, draws)!.test.p <= 0.05) claimed++;
    }
    expect(claimed / rounds).toBeLessThan(0.08);
  });
});

describe('an unpaired comparison', () => {
  test('of small groups counts every way of dealing them', () => {
    // Of the 20 ways to choose 3 of 6, two are as far apart as 1, 2, 3 and 4, 5, 6.
    expect(compareUnpaired([1, 2, 3], [4, 5, 6], random())).toMatchObject({ difference: -3, test: { p: 0.1, method: 'exact' } });
  });

  test("of yes and no in groups of equal size is Fisher's exact test", () => {
    // Fisher (1935): 3 of 4 against 1 of 4, two-sided 34/70.
    expect(compareUnpaired([1, 1, 1, 0], [1, 0, 0, 0], random(), { rates: true })?.test).toEqual({ p: expect.closeTo(34 / 70, 12) as number, method: 'exact' });
  });

  test('of large groups samples, and finds a clear difference', () => {
    const draws = seededRandom('large');
    const a = Array.from({ length: 60 }, () => draws.next());
    const b = Array.from({ length: 50 }, () => draws.next() + 0.5);
    const found = compareUnpaired(a, b, random())!;
    expect(found.test).toEqual({ p: 1 / 10_001, method: 'sampled' });
    expect(found.interval!.high).toBeLessThan(-0.3);
    expect(found.interval!.low).toBeGreaterThan(-0.7);
  });

  test('is none where a group is empty', () => {
    expect(compareUnpaired([], [1], random())).toBeUndefined();
  });
});

describe('Holm', () => {
  test('agrees with the worked example of four p-values', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  });

  test('never lowers a value, never passes 1, and keeps the order', () => {
    holds(
      property(array(double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }), (values) => {
        const corrected = holm(values);
        expect(corrected).toHaveLength(values.length);
        for (const [place, value] of values.entries()) {
          expect(corrected[place]).toBeGreaterThanOrEqual(value);
          expect(corrected[place]).toBeLessThanOrEqual(1);
        }
        const inOrder = corrected.map((each, place) => [values[place]!, each] as const).toSorted(([one], [other]) => one - other);
        expect(inOrder.map(([, each]) => each)).toEqual(corrected.toSorted((one, other) => one - other));
      }),
    );
  });
});
