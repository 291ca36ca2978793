import { describe, expect, it } from 'vitest';
import { createDeploymentState } from './deployment-state.ts';
import { heed } from './header-hints.ts';
import { planLimits } from './limit-plan.ts';
import { createRing } from './ring.ts';
import { NO_FACTS } from './testing/traffic.ts';

const START = 1_750_000_000_000;
const plan = planLimits({ rpm: 600 });
const perMs = plan.paces[0]!.perMs;

function fresh() {
  const state = createDeploymentState(START);
  state.rings['requests/60000'] = createRing(60_000, 240);
  return state;
}

describe('header hints', () => {
  it('lets what remains cap the next burst and no more, where no reset is told', () => {
    const state = fresh();
    heed(state, plan, { ...NO_FACTS, remainingRequests: 3 }, START, START + 200);
    expect(state.paidUntil['rpm']).toBeCloseTo(START - 3 / perMs);
    expect(state.hints.requests).toBeUndefined();
  });

  it('never corrects upwards', () => {
    const state = fresh();
    state.paidUntil['rpm'] = START + 5_000;
    heed(state, plan, { ...NO_FACTS, remainingRequests: 10_000 }, START, START + 200);
    expect(state.paidUntil['rpm']).toBe(START + 5_000);
  });

  it('spreads what remains over a window whose end stays where it is', () => {
    const state = fresh();
    for (let at = 0; at <= 5_000; at += 500) heed(state, plan, { ...NO_FACTS, remainingRequests: 100, resetRequestsMs: 50_000 - at }, START + at, START + at + 100);
    expect(state.hints.requests!.until).toBeGreaterThan(START + 50_000);
    expect(state.hints.requests!.perMs).toBeCloseTo(101 / 44_900, 5);
  });

  it('does not take a bucket, whose reset moves along, for a window', () => {
    const state = fresh();
    for (let at = 0; at <= 5_000; at += 500) heed(state, plan, { ...NO_FACTS, remainingRequests: 10, resetRequestsMs: 59_000 }, START + at, START + at + 100);
    expect(state.hints.requests!.until).toBe(0);
  });

  it('leaves the pace alone where more remains than it would use', () => {
    const state = fresh();
    for (let at = 0; at <= 5_000; at += 500) heed(state, plan, { ...NO_FACTS, remainingRequests: 500, resetRequestsMs: 50_000 - at }, START + at, START + at + 100);
    expect(state.hints.requests!.until).toBe(0);
  });

  it('stops believing a reset when more remains later in what should be the same window', () => {
    const state = fresh();
    // Ten-second windows whose headers name the end of the minute.
    const remaining = (at: number): number => 98 - Math.floor((at % 10_000) / 102);
    for (let at = 0; at <= 25_000; at += 500) heed(state, plan, { ...NO_FACTS, remainingRequests: remaining(at), resetRequestsMs: 59_000 - at }, START + at, START + at + 100);
    expect(state.hints.requests).toMatchObject({ misleading: true, until: 0 });
  });
});
