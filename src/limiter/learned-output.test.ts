import { describe, expect, it } from 'vitest';
import { LearnedOutput } from './learned-output.ts';

describe('LearnedOutput', () => {
  it('guesses until a few answers were seen', () => {
    const learned = new LearnedOutput();
    learned.learn(10);
    expect(learned.p90).toBe(1_000);
    expect(learned.expectedEach(1)).toBe(1_000);
  });

  it('knows what nine in ten stay within', () => {
    const learned = new LearnedOutput();
    for (let size = 1; size <= 100; size++) learned.learn(size);
    expect(learned.p90).toBeGreaterThanOrEqual(80);
    expect(learned.p90).toBeLessThanOrEqual(95);
  });

  it('expects each of many calls to take little more than the mean', () => {
    const learned = new LearnedOutput();
    for (let size = 1; size <= 100; size++) learned.learn(size);
    expect(learned.expectedEach(1)).toBeGreaterThan(85);
    expect(learned.expectedEach(100)).toBeLessThan(56);
  });

  it('forgets all but the last 256', () => {
    const learned = new LearnedOutput();
    for (let i = 0; i < 300; i++) learned.learn(5_000);
    for (let i = 0; i < 256; i++) learned.learn(10);
    expect(learned.p90).toBe(10);
    expect(learned.expectedEach(1)).toBe(10);
  });
});
