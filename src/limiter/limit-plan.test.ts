import { describe, expect, it } from 'vitest';
import { planLimits } from './limit-plan.ts';

const keys = (limits: Parameters<typeof planLimits>[0]): Record<string, number> => Object.fromEntries(planLimits(limits).windows.map(({ key, limit }) => [key, limit]));

describe('limit plan', () => {
  it('knows nothing where nothing is known', () => {
    expect(planLimits(undefined)).toMatchObject({ windows: [], paces: [], rated: false, counts: 'actual' });
  });

  it('keeps ten-second windows of requests unasked where rounding costs little, and only there', () => {
    expect(keys({ rpm: 600 })).toEqual({ 'requests/60000': 600, 'requests/10000': 100 });
    expect(keys({ rpm: 100 })).toEqual({ 'requests/60000': 100 });
  });

  it('keeps the windows it is told, rounded down, but never to nothing', () => {
    expect(keys({ rpm: 100, subWindowsMs: [1_000, 10_000] })).toEqual({ 'requests/60000': 100, 'requests/1000': 1, 'requests/10000': 16 });
    expect(keys({ rpm: 30, subWindowsMs: [1_000] })['requests/1000']).toBe(1);
  });

  it('checks tokens over the windows it is told from five seconds up', () => {
    expect(keys({ tpm: 60_000, subWindowsMs: [1_000, 10_000] })).toEqual({ 'tokens/60000': 60_000, 'tokens/10000': 10_000 });
  });

  it('keeps fractions of a request a second over longer windows', () => {
    expect(keys({ rps: 2 })).toEqual({ 'requests/1000': 2 });
    expect(keys({ rps: 1.5 })).toEqual({ 'requests/10000': 15 });
    expect(keys({ rps: 0.05 })).toEqual({ 'requests/20000': 1 });
  });

  it('never paces faster than its tightest window can keep up', () => {
    const [pace] = planLimits({ rpm: 100, subWindowsMs: [10_000] }).paces;
    expect(pace!.perMs * 10_200).toBeLessThanOrEqual(16.01);
  });
});
