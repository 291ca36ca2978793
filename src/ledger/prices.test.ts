import { describe, expect, it } from 'vitest';
import { UNKNOWN_USAGE, type Usage } from '../core/index.ts';
import { priceTable } from './prices.ts';
import { SHIPPED_PRICES } from './shipped-prices.ts';

const usage = (part: Partial<Usage>): Usage => ({ ...UNKNOWN_USAGE, source: 'reported', ...part });

describe('priceTable', () => {
  it('prices every bucket at its own rate', () => {
    const table = priceTable({ m: { input: 2, output: 8, cacheRead: 0.5, cacheWrite: 3 } });
    const cost = table.costOf('m', usage({ inputFresh: 1_000_000, cacheRead: 1_000_000, cacheWrite: 1_000_000, outputText: 500_000, reasoning: 500_000 }));
    expect(cost).toBeCloseTo(2 + 0.5 + 3 + 8, 10);
  });

  it('knows no cost where the price or the usage is unknown', () => {
    const table = priceTable({ m: { input: 1, output: 1 } });
    expect(table.costOf('nobody-sells-this', usage({ inputFresh: 1 }))).toBeNull();
    expect(table.costOf(null, usage({ inputFresh: 1 }))).toBeNull();
    expect(table.costOf('m', UNKNOWN_USAGE)).toBeNull();
    expect(table.costOf('m', usage({}))).toBeNull();
  });

  it('finds a dated or prefixed model under its plain name', () => {
    const table = priceTable();
    expect(table.priceOf('gpt-4.1-mini-2025-04-14')).toEqual(table.priceOf('gpt-4.1-mini'));
    expect(table.priceOf('openai/gpt-4.1-mini')).toEqual(table.priceOf('gpt-4.1-mini'));
    expect(table.priceOf('claude-sonnet-4-5-20250929')).toEqual(table.priceOf('claude-sonnet-4-5'));
    expect(table.priceOf('gpt-4.1-mini')).toBeDefined();
  });

  it('does not take one model for another that shares its beginning', () => {
    const table = priceTable({ 'gpt-9': { input: 1, output: 1 } });
    expect(table.priceOf('gpt-9-mini')).toBeUndefined();
  });

  it("lets the user's own prices win, exact names before globs, long globs before short", () => {
    const table = priceTable({
      'gpt-4.1-mini': { input: 9, output: 9 },
      'local-*': { input: 1, output: 1 },
      'local-big-*': { input: 2, output: 2 },
    });
    expect(table.priceOf('gpt-4.1-mini')?.input).toBe(9);
    expect(table.priceOf('local-small')?.input).toBe(1);
    expect(table.priceOf('local-big-7b')?.input).toBe(2);
  });

  it('ships a dated list with no negative figure', () => {
    expect(SHIPPED_PRICES.asOf).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    for (const price of Object.values(SHIPPED_PRICES.models)) {
      expect(Math.min(price.input, price.output, price.cacheRead ?? 0, price.cacheWrite ?? 0)).toBeGreaterThanOrEqual(0);
    }
  });
});
