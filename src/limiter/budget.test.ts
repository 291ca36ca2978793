import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BudgetExhaustedError } from '../core/index.ts';
import { Budget, type BudgetHold } from './budget.ts';

const need = (tokens: number, usd = 0): { calls: number; tokens: number; usd: number } => ({ calls: 1, tokens, usd });

describe('Budget', () => {
  it('counts what is reserved as spent', () => {
    const budget = new Budget({ tokens: 100 });
    budget.hold(need(60));
    expect(budget.check(need(41))).toBe('wait');
    expect(budget.check(need(40))).toBe('fits');
  });

  it('says it is exhausted once nothing in flight could free room', () => {
    const budget = new Budget({ tokens: 100 });
    const hold = budget.hold(need(60));
    hold.settle({ tokens: 80, usd: 0 });
    expect(() => budget.check(need(21))).toThrow(BudgetExhaustedError);
    expect(budget.check(need(20))).toBe('fits');
  });

  it('does not wait for what can not free enough', () => {
    const budget = new Budget({ tokens: 100 }, { tokens: 90 });
    budget.hold(need(5));
    expect(() => budget.check(need(11))).toThrow(BudgetExhaustedError);
  });

  it('starts from what the run had spent before', () => {
    const budget = new Budget({ calls: 10 }, { calls: 10 });
    expect(() => budget.check(need(1))).toThrow('10 calls is spent');
  });

  it('says what is used to the cent and no further, and why a call that would fit in part is turned away', () => {
    const budget = new Budget({ usd: 0.0001 }, { usd: 0.000_071_200_000_000_000_01 });
    expect(() => budget.check({ calls: 1, tokens: 5, usd: 0.00005 })).toThrow("the run's budget of $0.0001 is spent ($0.0000712 used, and the next call could go over it)");
  });

  it('counts calls whose price is unknown', () => {
    const budget = new Budget({ usd: 1 });
    budget.hold(need(5)).settle({ tokens: 5, usd: undefined });
    expect(budget.unpricedCalls).toBe(1);
    expect(budget.used).toEqual({ calls: 1, tokens: 5, usd: 0 });
  });

  it('wakes whoever waits when something is freed, once', () => {
    const budget = new Budget({ tokens: 100 });
    const first = budget.hold(need(50));
    const second = budget.hold(need(50));
    let woken = 0;
    budget.onceFreed(() => woken++);
    first.giveBack();
    second.giveBack();
    expect(woken).toBe(1);
  });

  it('keeps its books under any interleaving of hold, settle and give back, and never overruns where calls keep within their reservations', () => {
    const step = fc.record({ act: fc.constantFrom('hold', 'settle', 'giveBack'), which: fc.nat(20), tokens: fc.integer({ min: 1, max: 40 }), part: fc.double({ min: 0, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const budget = new Budget({ tokens: 300, calls: 30, usd: 3 });
        const open: { hold: BudgetHold; tokens: number }[] = [];
        let used = 0;
        const fits = (tokens: number): boolean => {
          try {
            return budget.check(need(tokens, tokens / 100)) === 'fits';
          } catch {
            return false;
          }
        };
        const end = (which: number, act: string, part: number): void => {
          const [entry] = open.splice(which % open.length, 1);
          const actual = Math.floor(entry!.tokens * part);
          if (act === 'settle') used += actual;
          if (act === 'settle') entry!.hold.settle({ tokens: actual, usd: actual / 100 });
          else entry!.hold.giveBack();
          entry!.hold.settle({ tokens: 1_000, usd: 10 });
        };
        for (const { act, which, tokens, part } of steps) {
          if (act === 'hold' && fits(tokens)) open.push({ hold: budget.hold(need(tokens, tokens / 100)), tokens });
          else if (open.length > 0) end(which, act, part);
          expect(budget.used.tokens + budget.reserved.tokens).toBeLessThanOrEqual(300);
          expect(budget.used.calls + budget.reserved.calls).toBeLessThanOrEqual(30);
          expect(budget.reserved.calls).toBe(open.length);
        }
        while (open.length > 0) end(0, 'giveBack', 0);
        expect(budget.reserved).toEqual({ calls: 0, tokens: 0, usd: 0 });
        expect(budget.used.tokens).toBe(used);
      }),
    );
  });
});
