import { assert as holds, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../core/index.ts';
import { combinations, permutation } from './permutation.ts';

test('every integer comes exactly once', () => {
  holds(
    property(integer({ min: 1, max: 3_000 }), integer(), (size, seed) => {
      expect([...permutation(seededRandom(seed), size)].toSorted((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, index) => index));
    }),
  );
});

test('stays exact at the largest size it takes, and refuses more', () => {
  const largest = Math.floor(Math.sqrt(Number.MAX_SAFE_INTEGER));
  for (const index of permutation(seededRandom(1), largest).take(1_000)) {
    expect(Number.isSafeInteger(index) && index >= 0 && index < largest).toBe(true);
  }
  expect(() => permutation(seededRandom(1), largest + 1).next()).toThrow('permutation of');
});

test('every combination comes exactly once, in an order that the seed decides', () => {
  const take = (seed: number): string[] => [...combinations(seededRandom(seed), ['a', 'b', 'c'], [1, 2], ['x', 'y'])].map((each) => each.join(''));
  expect(new Set(take(1)).size).toBe(12);
  expect(take(1)).toEqual(take(1));
  expect(take(1)).not.toEqual(take(2));
});
