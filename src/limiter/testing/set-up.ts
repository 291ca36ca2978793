import { VirtualClock } from '../../core/index.ts';
import type { AdmitRequest, Limits, Reservation } from '../contract.ts';
import { type LimiterOptions, createLimiter } from '../limiter.ts';

export const DEPLOYMENT = 'sim/host/model';

/** A limiter in virtual time at noon of 1 March 2026 (UTC), with one deployment and lists of what came of its calls. */
export function setUp(limits: Limits | undefined, options: Partial<LimiterOptions> = {}) {
  const clock = new VirtualClock(Date.parse('2026-03-01T12:00:00Z'));
  const limiter = createLimiter({ clock, limitsFor: () => limits, random: { next: () => 0 }, ...options });
  const granted: Reservation[] = [];
  const errors: unknown[] = [];
  const ask = (request: Partial<AdmitRequest> = {}): Promise<void> =>
    limiter.admit({ deployment: DEPLOYMENT, promptTokens: 10, maxOutputTokens: 10, ...request }).then(
      (place) => void granted.push(place),
      (error: unknown) => void errors.push(error),
    );
  const done = (place: Reservation, prompt = 10, output = 10): void => {
    place.settle({ promptTokens: prompt, outputTokens: output, costUsd: undefined });
    place.release();
  };
  return { clock, limiter, granted, errors, ask, done };
}
