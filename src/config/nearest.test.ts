import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.ts';

describe('the nearest name', () => {
  it.each([
    ['trys', ['tries', 'deadlineSeconds'], 'tries'],
    ['teh', ['the', 'hat'], 'the'],
    ['Targets', ['targets', 'suites'], 'targets'],
    ['rnus', ['runs', 'run'], 'runs'],
    ['xyz', ['runs', 'show'], undefined],
    ['', ['runs'], undefined],
  ])('of %j among %j is %j', (typed, names, expected) => {
    expect(nearest(typed, names)).toBe(expected);
  });
});
