import { describe, expect, it } from 'vitest';
import { periodEnd, periodStart } from './quota-period.ts';

const at = (text: string): number => Date.parse(text);

describe('quota period', () => {
  it('is the UTC day where nothing is said', () => {
    expect(periodStart(at('2026-03-01T00:00:00Z'), undefined)).toBe(at('2026-03-01T00:00:00Z'));
    expect(periodEnd(at('2026-02-28T23:59:59Z'), undefined)).toBe(at('2026-03-01T00:00:00Z'));
  });

  it('turns at the reset hour', () => {
    const quota = { period: 'day', resetHour: 8 } as const;
    expect(periodStart(at('2026-03-01T07:59:00Z'), quota)).toBe(at('2026-02-28T08:00:00Z'));
    expect(periodStart(at('2026-03-01T08:00:00Z'), quota)).toBe(at('2026-03-01T08:00:00Z'));
    expect(periodEnd(at('2026-03-01T08:00:00Z'), quota)).toBe(at('2026-03-02T08:00:00Z'));
  });

  it('runs from the first of a month to the first of the next, also over the year', () => {
    const quota = { period: 'month', resetHour: 6 } as const;
    expect(periodStart(at('2026-12-31T12:00:00Z'), quota)).toBe(at('2026-12-01T06:00:00Z'));
    expect(periodEnd(at('2026-12-31T12:00:00Z'), quota)).toBe(at('2027-01-01T06:00:00Z'));
    expect(periodStart(at('2027-01-01T05:00:00Z'), quota)).toBe(at('2026-12-01T06:00:00Z'));
  });
});
