import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallStatus } from '../core/index.ts';
import { NO_FACTS as NO_RATE } from '../limiter/testing/traffic.ts';
import { decideRetry, DEFAULT_RETRY, type FailedTry } from './retry.ts';

const middle = { next: () => 0.5 };
const failed = (part: Partial<FailedTry>): FailedTry => ({ status: 'http_error', httpStatus: 500, retry: 0, spentMs: 100, rate: undefined, ...part });

describe('decideRetry', () => {
  it.each([500, 502, 503, 504, 529, 408])('tries HTTP %i again', (httpStatus) => {
    expect(decideRetry(failed({ httpStatus }), DEFAULT_RETRY, middle)).toMatchObject({ again: true });
  });

  it.each([400, 401, 403, 404, 413, 422])('does not try HTTP %i again', (httpStatus) => {
    expect(decideRetry(failed({ httpStatus }), DEFAULT_RETRY, middle)).toEqual({ again: false, because: 'deterministic' });
  });

  it.each<CallStatus>(['rate_limited', 'timeout', 'cut', 'malformed', 'network_error'])('tries %s again', (status) => {
    expect(decideRetry(failed({ status, httpStatus: null }), DEFAULT_RETRY, middle)).toMatchObject({ again: true });
  });

  it('never tries an aborted call again', () => {
    expect(decideRetry(failed({ status: 'aborted' }), DEFAULT_RETRY, middle)).toEqual({ again: false, because: 'aborted' });
  });

  it('gives up after the last try', () => {
    expect(decideRetry(failed({ retry: 6 }), DEFAULT_RETRY, middle)).toMatchObject({ again: true });
    expect(decideRetry(failed({ retry: 7 }), DEFAULT_RETRY, middle)).toEqual({ again: false, because: 'tries' });
  });

  it('waits just as long as retry-after says', () => {
    const rate = { ...NO_RATE, retryAfterMs: 7_000, resetRequestsMs: 1_000, remainingRequests: 0 };
    expect(decideRetry(failed({ status: 'rate_limited', httpStatus: 429, rate }), DEFAULT_RETRY, middle)).toEqual({ again: true, delayMs: 7_000 });
  });

  it('waits for the reset of the limit that was hit, not for one with room left', () => {
    const rate = { ...NO_RATE, remainingRequests: 12, resetRequestsMs: 60_000, remainingTokens: 0, resetTokensMs: 3_000 };
    expect(decideRetry(failed({ status: 'rate_limited', httpStatus: 429, rate }), DEFAULT_RETRY, middle)).toEqual({ again: true, delayMs: 3_000 });
  });

  it('ends at once when the asked wait does not fit in the deadline, rather than ask early', () => {
    const rate = { ...NO_RATE, retryAfterMs: 119_950 };
    expect(decideRetry(failed({ status: 'rate_limited', httpStatus: 429, rate, spentMs: 100 }), DEFAULT_RETRY, middle)).toEqual({ again: false, because: 'deadline' });
  });

  it('never waits less than the provider asks, nor past the deadline, nor backs off beyond the longest delay', () => {
    fc.assert(
      fc.property(fc.nat(6), fc.nat(130_000), fc.option(fc.nat(130_000), { nil: undefined }), fc.double({ min: 0, max: 0.999, noNaN: true }), (retry, spentMs, retryAfterMs, dice) => {
        const decision = decideRetry(failed({ status: 'rate_limited', httpStatus: 429, retry, spentMs, rate: { ...NO_RATE, retryAfterMs } }), DEFAULT_RETRY, { next: () => dice });
        const delayMs = decision.again ? decision.delayMs : undefined;
        const fits = spentMs + (retryAfterMs ?? 0) <= DEFAULT_RETRY.deadlineMs;
        expect(decision.again && !fits).toBe(false);
        expect(delayMs ?? Infinity).toBeGreaterThanOrEqual(retryAfterMs ?? 0);
        expect(spentMs + (delayMs ?? -spentMs)).toBeLessThanOrEqual(DEFAULT_RETRY.deadlineMs);
        expect(retryAfterMs === undefined ? (delayMs ?? 0) : 0).toBeLessThanOrEqual(DEFAULT_RETRY.maxDelayMs);
      }),
    );
  });
});
