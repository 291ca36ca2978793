import { describe, expect, it } from 'vitest';
import { type Throttle, countUse, createThrottle, cut, raise, stillShut } from './throttle.ts';

const START = 1_750_000_000_000;

/** Lets `perMinute` calls of a limit of 600 a minute pass for a time, one by one. */
function pass(throttle: Throttle, from: number, ms: number, perMinute: number): number {
  const step = 60_000 / perMinute;
  let now = from;
  for (; now < from + ms; now += step) {
    raise(throttle, now, perMinute / 60_000, true);
    throttle.used.calls += 1;
    countUse(throttle, 'rpm', 1 / 600);
  }
  return now;
}

describe('throttle', () => {
  it('cuts once per episode: calls that left before the cut tell nothing new', () => {
    const throttle = createThrottle(START);
    expect(cut(throttle, START + 900, START + 1_000)).toBe(true);
    const { share } = throttle;
    expect(cut(throttle, START + 950, START + 1_050)).toBe(false);
    expect(throttle.share).toBe(share);
  });

  it('takes a refusal out of the blue lightly, and soon comes back', () => {
    const throttle = createThrottle(START);
    let now = pass(throttle, START, 5_000, 600);
    cut(throttle, now, now);
    expect(throttle.share).toBeCloseTo(0.9);
    now = pass(throttle, now, 10_000, 540);
    expect(throttle.share).toBeGreaterThan(0.965);
    pass(throttle, now, 60_000, 580);
    expect(throttle.share).toBe(1);
  });

  it('cuts to just below what was accepted over the last minute', () => {
    const throttle = createThrottle(START);
    const now = pass(throttle, START, 90_000, 420);
    cut(throttle, now, now);
    expect(throttle.share).toBeGreaterThan(0.66);
    expect(throttle.share).toBeLessThan(0.7);
  });

  it('lowers the share while a window stays shut, by half at most', () => {
    const throttle = createThrottle(START);
    const now = pass(throttle, START, 45_000, 600);
    cut(throttle, now, now);
    stillShut(throttle, now + 10_000);
    expect(throttle.share).toBeCloseTo((45 / 55) * 0.97, 1);
    stillShut(throttle, now + 110_000);
    expect(throttle.share).toBeCloseTo(0.5 * 0.97, 2);
  });

  it('does not climb while calls come too slowly for the share to matter', () => {
    const throttle = createThrottle(START);
    cut(throttle, START + 1, START + 1);
    const { share } = throttle;
    for (let now = START; now < START + 600_000; now += 1_000) raise(throttle, now, 0.01, false);
    expect(throttle.share).toBe(share);
  });
});
