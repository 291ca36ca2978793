import type { Quota } from './contract.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** When the quota period that `now` lies in began (UTC). Days and months turn at `resetHour`; no quota means days. */
export function periodStart(now: number, quota: Pick<Quota, 'period' | 'resetHour'> | undefined): number {
  // Asked at every call, of deployments without a quota too.
  if (quota === undefined) return Math.floor(now / DAY_MS) * DAY_MS;
  const shift = (quota.resetHour ?? 0) * HOUR_MS;
  const at = new Date(now - shift);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), quota.period === 'month' ? 1 : at.getUTCDate()) + shift;
}

/** When the period that `now` lies in ends and the next begins. */
export function periodEnd(now: number, quota: Pick<Quota, 'period' | 'resetHour'> | undefined): number {
  const shift = (quota?.resetHour ?? 0) * HOUR_MS;
  const start = new Date(periodStart(now, quota) - shift);
  const month = quota?.period === 'month' ? 1 : 0;
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + month, start.getUTCDate() + (1 - month)) + shift;
}
