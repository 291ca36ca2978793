import { describe, expect, it } from 'vitest';
import { BudgetExhaustedError, VirtualClock } from '../core/index.ts';
import { withScope } from '../ledger/index.ts';
import { Budget, createLimiter, type AdmitRequest } from '../limiter/index.ts';
import type { MeterDeps } from '../transport/index.ts';
import { GatewayMeter } from './gateway-meter.ts';

const REQUEST: AdmitRequest = { deployment: 'openai/x/y', promptTokens: 1, maxOutputTokens: 1 };

function meter(): { readonly clock: VirtualClock; readonly watched: GatewayMeter } {
  const clock = new VirtualClock();
  const limiter = createLimiter({ clock, limitsFor: () => undefined });
  return { clock, watched: new GatewayMeter({ limiter, clock } as unknown as MeterDeps) };
}

describe('the books as a gateway sees them', () => {
  it('know whose calls are under way, until each has given its place back', async () => {
    const { watched } = meter();
    const admit = (goalIndex: number): ReturnType<typeof watched.deps.limiter.admit> => withScope({ goalIndex }, () => watched.deps.limiter.admit(REQUEST));
    const [first, second] = [await admit(1), await admit(1)];
    await admit(2);
    expect([watched.inFlight(1), watched.inFlight(2), watched.inFlight(3)]).toEqual([2, 1, 0]);
    first.release();
    first.release();
    expect(watched.inFlight(1)).toBe(1);
    const quiet = watched.quiet(1, 1_000);
    second.release();
    expect(await quiet).toBe(true);
    expect(watched.inFlight(2)).toBe(1);
  });

  it('do not wait longer than they are told to', async () => {
    const { watched, clock } = meter();
    await watched.deps.limiter.admit(REQUEST);
    const quiet = watched.quiet(undefined, 1_000);
    await clock.advance(1_000);
    expect(await quiet).toBe(false);
  });

  it('remember that a budget turned a call away, for the goal it was of', async () => {
    const { watched } = meter();
    const budgets = [new Budget({ calls: 1 }, { calls: 1 })];
    await expect(withScope({ goalIndex: 4 }, () => watched.deps.limiter.admit({ ...REQUEST, budgets }))).rejects.toBeInstanceOf(BudgetExhaustedError);
    expect(watched.refusal(4)?.code).toBe('budget_exhausted');
    expect(watched.refusal(5)).toBeUndefined();
    expect(watched.inFlight(4)).toBe(0);
    watched.forget(4);
    expect(watched.refusal(4)).toBeUndefined();
  });
});
