import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, advance, createRing, fitsAt, sumSince } from './ring.ts';

const START = 1_750_000_000_000;

describe('ring', () => {
  it('counts all that a strict window holds, and at most a slot and the pad more', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ wait: fc.nat(4_000), amount: fc.integer({ min: 1, max: 50 }) }), { maxLength: 80 }), (steps) => {
        const ring = createRing(10_000, 100);
        const log: { at: number; amount: number }[] = [];
        let now = START;
        for (const { wait, amount } of steps) {
          now += wait;
          add(ring, now, amount);
          log.push({ at: now, amount });
          const within = (ms: number): number => log.reduce((sum, entry) => sum + (entry.at > now - ms ? entry.amount : 0), 0);
          expect(ring.sum).toBeGreaterThanOrEqual(within(10_100));
          expect(ring.sum).toBeLessThanOrEqual(within(10_100 + ring.slotMs + 1));
        }
      }),
    );
  });

  it('has room at the time it names, and not a millisecond before', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ wait: fc.nat(500), amount: fc.integer({ min: 1, max: 30 }) }), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 60 }), (steps, need) => {
        const limit = 100;
        const ring = createRing(10_000, 100);
        let now = START;
        for (const { wait, amount } of steps) add(ring, (now += wait), amount);
        const at = fitsAt(ring, now, need, limit);
        const before = structuredClone(ring);
        advance(before, at - 1);
        expect(at === now || before.sum + need > limit).toBe(true);
        advance(ring, at);
        expect(ring.sum + need).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('takes back what was added, and never what has left the window', () => {
    const ring = createRing(10_000, 100);
    add(ring, START, 5);
    add(ring, START + 3_000, 7);
    expect(add(ring, START, -5)).toBe(true);
    expect(ring.sum).toBe(7);
    advance(ring, START + 12_000);
    expect(add(ring, START, -5)).toBe(false);
    expect(ring.sum).toBe(7);
  });

  it('never goes below zero, even when told to take back more than there was', () => {
    const ring = createRing(10_000, 100);
    add(ring, START, 5);
    add(ring, START, -9);
    expect(ring.sum).toBe(0);
  });

  it('lets what is larger than the limit into an empty window', () => {
    const ring = createRing(10_000, 100);
    expect(fitsAt(ring, START, 50, 10)).toBe(START);
    add(ring, START, 1);
    expect(fitsAt(ring, START, 50, 10)).toBeGreaterThan(START + 10_000);
  });

  it('sums what came since a time', () => {
    const ring = createRing(10_000, 100);
    add(ring, START, 5);
    add(ring, START + 1_000, 7);
    expect(sumSince(ring, START + 500)).toBe(7);
    expect(sumSince(ring, START)).toBe(12);
  });

  it('survives a trip through JSON', () => {
    const ring = createRing(60_000, 240);
    add(ring, START, 5);
    const copy = JSON.parse(JSON.stringify(ring)) as typeof ring;
    add(copy, START + 1_000, 1);
    expect(copy.sum).toBe(6);
  });
});
