import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWindow } from './create-window.ts';
import { LIMIT_KINDS, type LimitKind, type RateWindow } from './window.ts';

interface Taken {
  readonly at: number;
  readonly amount: number;
}

const MINUTE = 60_000;
const START = 1_750_000_000_000;
const SPEC = { periodMs: MINUTE, bucketMs: 5000, subWindowMs: 10_000 };

const arrivals = fc.array(fc.record({ gapMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 40_000 })), amount: fc.integer({ min: 1, max: 40 }) }), { maxLength: 150 });
const limits = fc.integer({ min: 1, max: 400 });

/** Asks at each arrival and takes what is let through. */
function drive(window: RateWindow, asked: readonly { readonly gapMs: number; readonly amount: number }[]): Taken[] {
  const taken: Taken[] = [];
  let now = START;
  for (const { gapMs, amount } of asked) {
    now += gapMs;
    if (window.waitMs(amount, now) !== 0) continue;
    window.take(amount, now);
    taken.push({ at: now, amount });
  }
  return taken;
}

const sum = (taken: readonly Taken[], from: number, to: number): number => taken.filter(({ at }) => at >= from && at < to).reduce((total, { amount }) => total + amount, 0);

/** The most that is taken in any grid cell of the given length. */
function mostInGrid(taken: readonly Taken[], cellMs: number): number {
  return Math.max(0, ...taken.map(({ at }) => Math.floor(at / cellMs) * cellMs).map((start) => sum(taken, start, start + cellMs)));
}

/** By how much the rule of each kind is overrun at worst; nothing above 0 is allowed. */
const OVERRUN: { readonly [K in LimitKind]: (taken: readonly Taken[], limit: number) => number } = {
  'fixed-window': (taken, limit) => mostInGrid(taken, MINUTE) - limit,
  'sliding-window': (taken, limit) => Math.max(0, ...taken.map(({ at }) => sum(taken, at, at + MINUTE))) - limit,
  'sub-windows': (taken, limit) => Math.max(mostInGrid(taken, MINUTE) - limit, mostInGrid(taken, 10_000) - Math.max(1, Math.floor(limit / 6))),
  'token-bucket': (taken, limit) => {
    const burst = Math.max(1, limit / 12, ...taken.map(({ amount }) => amount));
    const spans = taken.flatMap((first) => taken.filter(({ at }) => at >= first.at).map((last) => [first.at, last.at] as const));
    return Math.max(0, ...spans.map(([from, to]) => sum(taken, from, to + 1) - burst - ((to - from) * limit) / MINUTE)) - 1e-3;
  },
};

describe.each(LIMIT_KINDS)('%s', (kind) => {
  it('never lets more through than its rule allows, over any span', () => {
    fc.assert(
      fc.property(limits, arrivals, (limit, asked) => {
        expect(OVERRUN[kind](drive(createWindow(kind, { ...SPEC, limit }), asked), limit)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 60 },
    );
  });

  it('says truly how long to wait: after that, and a moment before not yet', () => {
    fc.assert(
      fc.property(limits, arrivals, fc.integer({ min: 1, max: 40 }), (limit, asked, amount) => {
        const window = createWindow(kind, { ...SPEC, limit });
        const end = drive(window, asked).at(-1)?.at ?? START;
        const wait = window.waitMs(amount, end);
        const most = kind === 'sub-windows' ? Math.max(1, Math.floor(limit / 6)) : limit;
        expect(Number.isFinite(wait)).toBe(amount <= most);
        if (!Number.isFinite(wait)) return;
        const shortly = wait > 1 ? window.waitMs(amount, end + wait - 2) : 1;
        expect(shortly).toBeGreaterThan(0);
        expect(window.waitMs(amount, end + wait)).toBe(0);
      }),
    );
  });

  it('keeps up its full rate for one who waits as told', () => {
    const window = createWindow(kind, { ...SPEC, limit: 120 });
    let now = Math.floor(START / MINUTE) * MINUTE;
    const end = now + 10 * MINUTE;
    let taken = 0;
    while (now < end) {
      const wait = window.waitMs(1, now);
      if (wait === 0) {
        window.take(1, now);
        taken++;
      }
      now += wait;
    }
    expect(taken).toBeGreaterThanOrEqual(1200);
    expect(taken).toBeLessThanOrEqual(1200 + 10);
  });

  it('says what remains: exactly that much fits, and no more', () => {
    fc.assert(
      fc.property(limits, arrivals, (limit, asked) => {
        const window = createWindow(kind, { ...SPEC, limit });
        const end = drive(window, asked).at(-1)?.at ?? START;
        const remaining = window.remaining(end);
        expect(remaining === 0 ? 0 : window.waitMs(remaining, end)).toBe(0);
        // A full bucket admits a request larger than itself, so of a full one nothing more is said.
        const full = kind === 'token-bucket' && window.resetMs(end) === 0;
        expect(full || window.waitMs(remaining + 1, end) > 0).toBe(true);
      }),
    );
  });

  it('is whole again after its reset', () => {
    const window = createWindow(kind, { ...SPEC, limit: 120 });
    const whole = window.remaining(START);
    window.take(7, START);
    expect(window.remaining(START)).toBe(whole - 7);
    expect(window.resetMs(START)).toBeGreaterThan(0);
    expect(window.remaining(START + window.resetMs(START))).toBe(whole);
  });
});

describe('token-bucket with a request larger than the bucket', () => {
  it('admits it from a full bucket, and makes up for it afterwards', () => {
    const bucket = createWindow('token-bucket', { ...SPEC, limit: 6000 });
    expect(bucket.waitMs(2000, START)).toBe(0);
    bucket.take(2000, START);
    expect(bucket.waitMs(2000, START)).toBe(20_000);
    expect(bucket.waitMs(6001, START)).toBe(Infinity);
  });
});
