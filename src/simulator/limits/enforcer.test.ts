import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LimitEnforcer } from './enforcer.ts';
import { LimitBook } from './limit-book.ts';
import { LIMIT_KINDS } from './window.ts';

const START = 1_750_000_020_000;
const cost = { inputTokens: 30, outputTokens: 70 };

describe('LimitEnforcer', () => {
  it('charges every limit of an admitted request and none of a refused one', () => {
    const enforcer = new LimitEnforcer({ kind: 'sliding-window', rpm: 100, tpm: 250, itpm: 1000, otpm: 1000 });
    expect(enforcer.admit(cost, START).admitted).toBe(true);
    expect(enforcer.admit(cost, START).admitted).toBe(true);
    expect(enforcer.admit(cost, START)).toMatchObject({ admitted: false, dimension: 'tpm', waitMs: 60_000, limit: 250, remaining: 50, requested: 100 });
    expect(enforcer.state(START)).toMatchObject({ rpm: { remaining: 98 }, tpm: { remaining: 50 }, itpm: { remaining: 940 }, otpm: { remaining: 860 } });
  });

  it('names the limit that takes longest to clear', () => {
    const enforcer = new LimitEnforcer({ kind: 'sliding-window', rps: 1, rpm: 1 });
    enforcer.admit(cost, START);
    expect(enforcer.admit(cost, START)).toMatchObject({ dimension: 'rpm', waitMs: 60_000 });
  });

  it('says that a request beyond the limit itself never fits', () => {
    const enforcer = new LimitEnforcer({ kind: 'token-bucket', tpm: 99 });
    expect(enforcer.admit(cost, START)).toMatchObject({ admitted: false, waitMs: Infinity });
  });

  it('holds concurrency by releases', () => {
    const enforcer = new LimitEnforcer({ kind: 'sliding-window', concurrency: 2 });
    expect([1, 2, 3].map(() => enforcer.admit(cost, START).admitted)).toEqual([true, true, false]);
    enforcer.release();
    expect(enforcer.admit(cost, START).admitted).toBe(true);
  });

  it('cuts requests into sub-windows, and leaves tokens their minute', () => {
    const enforcer = new LimitEnforcer({ kind: 'sub-windows', rpm: 60, tpm: 1000 });
    const admitted = Array.from({ length: 12 }, () => enforcer.admit(cost, START).admitted).filter(Boolean);
    expect(admitted).toHaveLength(10);
    expect(enforcer.state(START).tpm?.remaining).toBe(0);
  });

  it.each(LIMIT_KINDS)('leaves us what another tenant on %s does not draw', (kind) => {
    const fraction = 0.3;
    const enforcer = new LimitEnforcer({ kind, rpm: 600, otherTenant: fraction });
    let ours = 0;
    const start = Math.floor(START / 60_000) * 60_000;
    const minutes = 5;
    // Nine requests a second ask for 540 a minute, of which there are about 420.
    for (let now = start; now < start + minutes * 60_000; now += 111) {
      const admission = enforcer.admit({ inputTokens: 0, outputTokens: 0 }, now);
      if (!admission.admitted) continue;
      ours++;
      enforcer.release();
    }
    const theirs = enforcer.otherTenant(start + minutes * 60_000 - 1).requests;
    const burst = kind === 'token-bucket' ? 50 : 0;
    expect(ours + theirs).toBeLessThanOrEqual(600 * minutes + burst);
    expect(ours + theirs).toBeGreaterThan(600 * minutes * 0.95);
    expect(theirs).toBeGreaterThan(600 * minutes * 0.2);
    expect(theirs).toBeLessThanOrEqual(600 * minutes * fraction + 1);
  });

  it('draws for the other tenant evenly while we are idle', () => {
    const enforcer = new LimitEnforcer({ kind: 'sliding-window', rpm: 100, tpm: 6000, otherTenant: 0.5 });
    enforcer.state(START);
    expect(enforcer.otherTenant(START + 30_000)).toEqual({ requests: 26, tokens: 1505 });
    expect(enforcer.state(START + 59_999)).toMatchObject({ rpm: { remaining: 50 }, tpm: { remaining: 3000 } });
  });

  it('never goes over, and never loses a slot, under any order of requests and releases', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ gapMs: fc.nat(3000), release: fc.boolean(), tokens: fc.integer({ min: 1, max: 50 }) }), { maxLength: 120 }), (steps) => {
        const enforcer = new LimitEnforcer({ kind: 'sliding-window', rpm: 20, tpm: 300, concurrency: 5, otherTenant: 0.2 });
        let now = START;
        let inFlight = 0;
        const taken: { at: number; tokens: number }[] = [];
        for (const { gapMs, release, tokens } of steps) {
          now += gapMs;
          if (release && inFlight > 0) {
            enforcer.release();
            inFlight--;
          } else if (enforcer.admit({ inputTokens: tokens, outputTokens: 0 }, now).admitted) {
            inFlight++;
            taken.push({ at: now, tokens });
          }
          expect(inFlight).toBeLessThanOrEqual(5);
          const minute = taken.filter(({ at }) => at > now - 60_000);
          expect(minute.length).toBeLessThanOrEqual(20);
          expect(minute.reduce((sum, entry) => sum + entry.tokens, 0)).toBeLessThanOrEqual(300);
        }
      }),
    );
  });
});

describe('LimitBook', () => {
  it('gives each variant its own limit, or the family one between them', () => {
    const kind = 'fixed-window';
    const apart = new LimitBook({ limits: { kind, rpm: 1 }, limitsByModel: {} });
    expect(apart.of('weak@a', 'weak')?.enforcer).not.toBe(apart.of('weak@b', 'weak')?.enforcer);
    const together = new LimitBook({ limits: { kind, rpm: 1, scope: 'family' }, limitsByModel: {} });
    expect(together.of('weak@a', 'weak')?.enforcer).toBe(together.of('weak@b', 'weak')?.enforcer);
  });

  it('prefers the limits of the model, then of its profile', () => {
    const limits = { kind: 'fixed-window', rpm: 1 } as const;
    const book = new LimitBook({ limits, limitsByModel: { weak: { ...limits, rpm: 2 }, 'weak@b': { ...limits, rpm: 3 } } });
    expect([book.of('echo', 'echo'), book.of('weak@a', 'weak'), book.of('weak@b', 'weak')].map((limited) => limited?.options.rpm)).toEqual([1, 2, 3]);
    expect(new LimitBook({ limits: undefined, limitsByModel: {} }).of('weak', 'weak')).toBeUndefined();
  });
});
