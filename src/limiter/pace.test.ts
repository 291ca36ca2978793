import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pay, readyAt, refund } from './pace.ts';

const START = 1_750_000_000_000;

describe('pace', () => {
  it('passes no more over any stretch than its length and the larger of burst and first cost are worth', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ idle: fc.nat(3_000), cost: fc.integer({ min: 1, max: 200 }) }), { minLength: 2, maxLength: 60 }), (steps) => {
        const rule = { perMs: 0.05, burstMs: 1_000 };
        const passed: { at: number; cost: number }[] = [];
        let paidUntil = 0;
        let now = START;
        for (const { idle, cost } of steps) {
          now = readyAt(paidUntil, rule, cost, now + idle);
          paidUntil = pay(paidUntil, rule, cost, now);
          passed.push({ at: now, cost });
        }
        for (let from = 0; from < passed.length; from++) {
          let sum = 0;
          for (let to = from; to < passed.length; to++) {
            sum += passed[to]!.cost;
            const worth = (passed[to]!.at - passed[from]!.at) * rule.perMs + Math.max(rule.burstMs * rule.perMs, passed[from]!.cost);
            expect(sum).toBeLessThanOrEqual(worth + 0.01);
          }
        }
      }),
    );
  });

  it('gives back the time that a smaller use did not need', () => {
    const rule = { perMs: 0.01, burstMs: 0 };
    let paidUntil = pay(0, rule, 100, START);
    expect(readyAt(paidUntil, rule, 100, START)).toBe(START + 10_000);
    paidUntil = refund(paidUntil, rule, 60);
    expect(readyAt(paidUntil, rule, 100, START)).toBe(START + 4_000);
  });
});
