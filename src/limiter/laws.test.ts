import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Random, VirtualClock, seededRandom, sleep } from '../core/index.ts';
import { Budget } from './budget.ts';
import type { Limiter, Limits, Reservation } from './contract.ts';
import { createLimiter } from './limiter.ts';
import { NO_FACTS } from './testing/traffic.ts';

const DEPLOYMENT = 'sim/host/model';

/** What one caller does with its place. */
const fate = fc.record({
  startMs: fc.nat(20_000),
  prompt: fc.integer({ min: 1, max: 300 }),
  max: fc.integer({ min: 0, max: 300 }),
  usedShare: fc.double({ min: 0, max: 1, noNaN: true }),
  lastsMs: fc.nat(5_000),
  ends: fc.constantFrom('answered', 'limited', 'failed', 'unsent', 'settled twice', 'released twice', 'unknown'),
  cancelMs: fc.option(fc.nat(40_000), { nil: undefined }),
  deadlineMs: fc.option(fc.integer({ min: 1, max: 60_000 }), { nil: undefined }),
  retry: fc.nat(2),
});
type Fate = typeof fate extends fc.Arbitrary<infer T> ? T : never;

interface Grant {
  readonly at: number;
  readonly tokens: number;
}

function end(limiter: Limiter, place: Reservation, life: Fate, sentAt: number): void {
  const nothing = { promptTokens: undefined, outputTokens: undefined, costUsd: undefined };
  const used = { promptTokens: life.prompt, outputTokens: Math.floor(life.max * life.usedShare), costUsd: undefined };
  switch (life.ends) {
    case 'unsent':
      break;
    case 'limited':
      limiter.observe({ deployment: place.deployment, sentAt, limited: true, rate: NO_FACTS });
      place.settle(nothing, 'limited');
      break;
    case 'failed':
      place.settle(nothing, 'failed');
      break;
    case 'unknown':
      place.settle(nothing);
      break;
    case 'settled twice':
      place.settle(used);
      place.settle({ promptTokens: 9_999, outputTokens: 9_999, costUsd: 9 });
      break;
    case 'answered':
    case 'released twice':
      place.settle(used);
      break;
  }
  place.release();
  if (life.ends === 'released twice') place.release();
  if (life.ends === 'unsent') place.settle({ promptTokens: 9_999, outputTokens: 9_999, costUsd: 9 });
}

async function live(limits: Limits | undefined, lives: readonly Fate[], budget: Budget) {
  const clock = new VirtualClock();
  const limiter = createLimiter({ clock, limitsFor: () => limits, random: { next: () => 0.5 } });
  const sent: Grant[] = [];
  let open = 0;
  let most = 0;
  let settledTokens = 0;
  const outcomes = lives.map(async (life) => {
    await sleep(clock, life.startMs);
    const controller = new AbortController();
    if (life.cancelMs !== undefined) clock.after(life.cancelMs, () => controller.abort());
    const deadline = life.deadlineMs === undefined ? undefined : clock.now() + life.deadlineMs;
    try {
      const place = await limiter.admit({ deployment: DEPLOYMENT, promptTokens: life.prompt, maxOutputTokens: life.max, budgets: [budget], signal: controller.signal, retry: life.retry, ...(deadline === undefined ? {} : { deadline }) });
      const at = clock.now();
      most = Math.max(most, ++open);
      // What never left is given back, so only what left counts against the window.
      if (life.ends !== 'unsent') sent.push({ at, tokens: life.prompt + (life.ends === 'limited' ? 0 : life.max) });
      await sleep(clock, life.lastsMs);
      open -= 1;
      if (life.ends === 'failed' || life.ends === 'unknown') settledTokens += life.prompt + life.max;
      else if (life.ends !== 'unsent' && life.ends !== 'limited') settledTokens += life.prompt + Math.floor(life.max * life.usedShare);
      end(limiter, place, life, at);
      return 'done';
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  });
  await clock.runAll(24 * 3_600_000);
  return { clock, limiter, sent, most, settledTokens, outcomes: await Promise.all(outcomes) };
}

function mostWithin(grants: readonly Grant[], windowMs: number, cost: (grant: Grant) => number): number {
  let most = 0;
  for (const first of grants) {
    most = Math.max(most, grants.filter(({ at }) => at >= first.at && at < first.at + windowMs).reduce((sum, grant) => sum + cost(grant), 0));
  }
  return most;
}

describe('laws of the limiter', () => {
  it('never grants more than a limit over any window, gives everybody an end, and its books come back to zero', async () => {
    const limits: Limits = { rps: 5, rpm: 30, tpm: 6_000, concurrency: 6, counts: 'reserved', subWindowsMs: [10_000] };
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { minLength: 1, maxLength: 60 }), async (lives) => {
        const budget = new Budget({ calls: 1_000, tokens: 1e9 });
        const { clock, limiter, sent, most, settledTokens, outcomes } = await live(limits, lives, budget);
        expect(mostWithin(sent, 1_000, () => 1)).toBeLessThanOrEqual(5);
        expect(mostWithin(sent, 10_000, () => 1)).toBeLessThanOrEqual(5);
        expect(mostWithin(sent, 60_000, () => 1)).toBeLessThanOrEqual(30);
        expect(mostWithin(sent, 60_000, ({ tokens }) => tokens)).toBeLessThanOrEqual(6_000);
        expect(most).toBeLessThanOrEqual(6);
        for (const [index, outcome] of outcomes.entries()) {
          const { cancelMs, deadlineMs } = lives[index]!;
          const mayGiveUp = [...(cancelMs === undefined ? [] : ['cancelled']), ...(deadlineMs === undefined ? [] : ['rate_limited'])];
          expect(['done', ...mayGiveUp]).toContain(outcome);
        }
        expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ in_flight: 0, waiting: 0 });
        expect(budget.reserved).toEqual({ calls: 0, tokens: 0, usd: 0 });
        expect(budget.used.tokens).toBe(settledTokens);
        expect(budget.used.calls).toBe(sent.length);
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('never overruns a quota or a budget while calls keep within their bounds, and counts in both what was used', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { minLength: 1, maxLength: 60 }), fc.integer({ min: 100, max: 5_000 }), fc.integer({ min: 100, max: 5_000 }), async (lives, quotaTokens, budgetTokens) => {
        const budget = new Budget({ tokens: budgetTokens });
        const { limiter, settledTokens, outcomes } = await live({ concurrency: 8, quota: { tokens: quotaTokens, period: 'month', alerts: [50], onExhausted: 'stop' } }, lives, budget);
        const { cumulative_tokens } = limiter.statsOf(DEPLOYMENT);
        expect(cumulative_tokens).toBe(settledTokens);
        expect(cumulative_tokens).toBeLessThanOrEqual(quotaTokens);
        expect(budget.used.tokens).toBe(settledTokens);
        expect(budget.used.tokens).toBeLessThanOrEqual(budgetTokens);
        expect(budget.reserved).toEqual({ calls: 0, tokens: 0, usd: 0 });
        for (const outcome of outcomes) expect(['done', 'cancelled', 'rate_limited', 'quota_exhausted', 'budget_exhausted']).toContain(outcome);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the books where no limit is known', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { minLength: 1, maxLength: 60 }), async (lives) => {
        const budget = new Budget({});
        const { limiter, most, settledTokens } = await live(undefined, lives, budget);
        expect(most).toBeLessThanOrEqual(256);
        expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ in_flight: 0, waiting: 0, cumulative_tokens: settledTokens });
      }),
      { numRuns: 60 },
    );
  });

  it('holds to its windows when bursts come after idle times', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ idleMs: fc.nat(15_000), calls: fc.integer({ min: 1, max: 40 }) }), { minLength: 1, maxLength: 8 }), async (bursts) => {
        const clock = new VirtualClock();
        const limiter = createLimiter({ clock, limitsFor: () => ({ rpm: 120 }) });
        const sent: Grant[] = [];
        const all: Promise<void>[] = [];
        const call = async (): Promise<void> => {
          const place = await limiter.admit({ deployment: DEPLOYMENT, promptTokens: 1, maxOutputTokens: 1 });
          sent.push({ at: clock.now(), tokens: 2 });
          place.settle({ promptTokens: 1, outputTokens: 1, costUsd: undefined });
          place.release();
        };
        for (const { idleMs, calls } of bursts) {
          await clock.advance(idleMs);
          all.push(...Array.from({ length: calls }, call));
        }
        await clock.runAll();
        await Promise.all(all);
        // A tenth of a second more than the window: calls may be that much early or late on their way.
        expect(mostWithin(sent, 10_080, () => 1)).toBeLessThanOrEqual(20);
        expect(mostWithin(sent, 60_080, () => 1)).toBeLessThanOrEqual(120);
      }),
      { numRuns: 30 },
    );
  });

  it('starves nobody: among calls of any size each is admitted in the order it came, and the window holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 2, maxLength: 40 }), fc.nat(), async (sizes, seed) => {
        const clock = new VirtualClock();
        const random: Random = seededRandom(seed);
        const limiter = createLimiter({ clock, limitsFor: () => ({ tpm: 2_000, rpm: 60, counts: 'reserved' }) });
        const order: number[] = [];
        const sent: Grant[] = [];
        const all = sizes.map(async (promptTokens, index) => {
          const place = await limiter.admit({ deployment: DEPLOYMENT, promptTokens, maxOutputTokens: 0 });
          order.push(index);
          sent.push({ at: clock.now(), tokens: promptTokens });
          await sleep(clock, random.integer(10_000));
          place.settle({ promptTokens, outputTokens: 0, costUsd: undefined });
          place.release();
        });
        await clock.runAll(24 * 3_600_000);
        await Promise.all(all);
        expect(order).toEqual(sizes.map((_, index) => index));
        expect(mostWithin(sent, 60_080, ({ tokens }) => tokens)).toBeLessThanOrEqual(2_000);
      }),
      { numRuns: 30 },
    );
  });
});
