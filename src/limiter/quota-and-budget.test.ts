import { describe, expect, it, vi } from 'vitest';
import { BudgetExhaustedError, CancelledError, QuotaExhaustedError } from '../core/index.ts';
import { Budget } from './budget.ts';
import type { Quota, QuotaAlert } from './contract.ts';
import { DEPLOYMENT, setUp } from './testing/set-up.ts';

const quotaOf = (onExhausted: Quota['onExhausted'], tokens = 100): Quota => ({ tokens, period: 'day', alerts: [80, 90, 95], onExhausted });

describe('quota', () => {
  it('stops when it is used up, naming when it resets', async () => {
    const { granted, errors, ask, done } = setUp({ quota: quotaOf('stop') });
    for (let calls = 0; calls < 5; calls++) {
      await ask();
      done(granted.at(-1)!);
    }
    await ask();
    expect(errors[0]).toBeInstanceOf(QuotaExhaustedError);
    expect((errors[0] as QuotaExhaustedError).hint).toContain('2026-03-02T00:00:00.000Z');
  });

  it('counts reservations, and waits for those that may settle lower', async () => {
    const { clock, granted, ask, done } = setUp({ quota: quotaOf('stop') });
    await ask({ maxOutputTokens: 80 });
    void ask({ maxOutputTokens: 50 });
    await clock.advance(60_000);
    expect(granted).toHaveLength(1);
    done(granted[0]!, 10, 10);
    await clock.advance(0);
    expect(granted).toHaveLength(2);
  });

  it('waits until the period turns', async () => {
    const { clock, granted, ask, done } = setUp({ quota: quotaOf('wait', 20) });
    await ask();
    done(granted[0]!);
    void ask();
    await clock.advance(12 * 3_600_000 - 1);
    expect(granted).toHaveLength(1);
    await clock.advance(1);
    expect(granted).toHaveLength(2);
  });

  it('goes over to another deployment, and on to an error when that one is used up too', async () => {
    const quotas: Record<string, Quota> = { [DEPLOYMENT]: quotaOf('fallback:other', 20), other: quotaOf(`fallback:${DEPLOYMENT}`, 20) };
    const { limiter, granted, errors, ask, done } = setUp(undefined, { limitsFor: (name) => ({ quota: quotas[name]! }) });
    for (let calls = 0; calls < 3; calls++) {
      await ask();
      if (errors.length === 0) done(granted.at(-1)!);
    }
    expect(granted.map((place) => place.deployment)).toEqual([DEPLOYMENT, 'other']);
    expect(errors[0]).toBeInstanceOf(QuotaExhaustedError);
    expect(limiter.stats().map((stats) => stats.quota_percentage)).toEqual([100, 100]);
  });

  it('still heeds a cancel after it went over', async () => {
    const { clock, errors, ask } = setUp(undefined, { limitsFor: (name) => (name === 'other' ? { concurrency: 0 } : { quota: quotaOf('fallback:other', 1) }) });
    const controller = new AbortController();
    void ask({ signal: controller.signal });
    await clock.advance(10);
    controller.abort();
    await clock.advance(0);
    expect(errors[0]).toBeInstanceOf(CancelledError);
  });

  it('raises each alert once a period', async () => {
    const { clock, limiter, granted, ask, done } = setUp({ quota: quotaOf('wait') });
    const alerts: QuotaAlert[] = [];
    limiter.onQuotaAlert((alert) => alerts.push(alert));
    const use = async (calls: number): Promise<void> => {
      for (let call = 0; call < calls; call++) {
        await ask({ promptTokens: 2, maxOutputTokens: 3 });
        done(granted.at(-1)!, 2, 3);
      }
    };
    await use(20);
    expect(alerts.map(({ threshold }) => threshold)).toEqual([80, 90, 95]);
    await clock.advance(12 * 3_600_000);
    await use(17);
    expect(alerts.map(({ threshold, percentage }) => [threshold, percentage])).toEqual([[80, 80], [90, 90], [95, 95], [80, 80]]);
  });

  it('starts from the ledger, raising only the highest alert passed before', async () => {
    const quotaUse = vi.fn(async () => 92);
    const { limiter, ask } = setUp({ quota: quotaOf('stop') }, { quotaUse });
    const alerts: QuotaAlert[] = [];
    limiter.onQuotaAlert((alert) => alerts.push(alert));
    await ask({ promptTokens: 1, maxOutputTokens: 1 });
    expect(quotaUse).toHaveBeenCalledWith(DEPLOYMENT, Date.parse('2026-03-01T00:00:00Z'));
    expect(limiter.statsOf(DEPLOYMENT).quota_percentage).toBe(92);
    expect(alerts.map(({ threshold }) => threshold)).toEqual([90]);
  });

  it('tells when it runs out at the present rate, and nothing where it lasts', async () => {
    const { clock, limiter, granted, ask, done } = setUp({ quota: quotaOf('stop', 1_000) });
    expect(limiter.statsOf(DEPLOYMENT).projected_exhaustion).toBeNull();
    await ask();
    await clock.advance(60_000);
    done(granted[0]!, 300, 200);
    expect(limiter.statsOf(DEPLOYMENT).projected_exhaustion).toBe(clock.now() + 60_000);
  });

  it('counts the tokens of the day where no quota is set', async () => {
    const { clock, limiter, granted, ask, done } = setUp(undefined);
    await ask();
    done(granted[0]!);
    expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ cumulative_tokens: 20, quota_percentage: null });
    await clock.advance(12 * 3_600_000);
    expect(limiter.statsOf(DEPLOYMENT).cumulative_tokens).toBe(0);
  });
});

describe('budgets', () => {
  it('stops a run whose next call does not fit, across deployments', async () => {
    const budget = new Budget({ tokens: 50 });
    const { granted, errors, ask, done } = setUp(undefined);
    await ask({ budgets: [budget] });
    await ask({ budgets: [budget], deployment: 'sim/host/judge' });
    for (const place of granted) done(place);
    await ask({ budgets: [budget] });
    expect(errors[0]).toBeInstanceOf(BudgetExhaustedError);
    expect(budget.used).toEqual({ calls: 2, tokens: 40, usd: 0 });
    expect(budget.reserved).toEqual({ calls: 0, tokens: 0, usd: 0 });
  });

  it('waits for calls in flight, on whatever deployment, that may cost less than reserved', async () => {
    const budget = new Budget({ tokens: 100 });
    const { clock, granted, ask, done } = setUp(undefined);
    await ask({ budgets: [budget], maxOutputTokens: 80, deployment: 'sim/host/judge' });
    void ask({ budgets: [budget] });
    await clock.advance(1_000);
    expect(granted).toHaveLength(1);
    done(granted[0]!, 10, 5);
    await clock.advance(0);
    expect(granted).toHaveLength(2);
  });

  it('reserves dollars by the price, settles to the cost, and counts calls without a price', async () => {
    const budget = new Budget({ usd: 1 });
    const { granted, errors, ask } = setUp(undefined);
    const usdFor = (prompt: number, output: number): number => (prompt + output) / 100;
    await ask({ budgets: [budget], usdFor, promptTokens: 50, maxOutputTokens: 30 });
    expect(budget.reserved.usd).toBeCloseTo(0.8);
    granted[0]!.settle({ promptTokens: 50, outputTokens: 5, costUsd: 0.5 });
    await ask({ budgets: [budget], usdFor: () => undefined });
    granted[1]!.settle({ promptTokens: 1, outputTokens: 1, costUsd: undefined });
    expect(budget.used.usd).toBe(0.5);
    expect(budget.unpricedCalls).toBe(1);
    await ask({ budgets: [budget], usdFor, promptTokens: 50, maxOutputTokens: 10 });
    expect(errors[0]).toMatchObject({ budget: 'usd' });
  });
});
