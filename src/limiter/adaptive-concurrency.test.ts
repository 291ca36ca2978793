import { describe, expect, it } from 'vitest';
import { answered, createAdaptiveConcurrency, refused } from './adaptive-concurrency.ts';

function round(state: ReturnType<typeof createAdaptiveConcurrency>, full: boolean): void {
  state.full = full;
  for (let answers = state.bound; answers > 0; answers--) answered(state, 256);
}

describe('adaptive concurrency', () => {
  it('doubles each clean round until it was refused, up to the cap', () => {
    const state = createAdaptiveConcurrency();
    for (let rounds = 0; rounds < 6; rounds++) round(state, true);
    expect(state.bound).toBe(256);
  });

  it('does not grow while slots were left unused', () => {
    const state = createAdaptiveConcurrency();
    round(state, false);
    expect(state.bound).toBe(16);
  });

  it('cuts once per episode, however many calls in flight are refused', () => {
    const state = createAdaptiveConcurrency(100);
    expect(refused(state, 1_000, 100, 2_000)).toBe(true);
    expect(refused(state, 1_500, 80, 2_100)).toBe(false);
    expect(state.bound).toBe(70);
    expect(refused(state, 2_500, 70, 3_000)).toBe(true);
    expect(state.bound).toBe(49);
  });

  it('grows gently after a cut', () => {
    const state = createAdaptiveConcurrency(100);
    refused(state, 1_000, 100, 2_000);
    round(state, true);
    expect(state.bound).toBe(74);
  });

  it('never goes below one', () => {
    const state = createAdaptiveConcurrency(2);
    for (let at = 1; at < 20; at++) refused(state, at * 10, 1, at * 10);
    expect(state.bound).toBe(1);
  });
});
