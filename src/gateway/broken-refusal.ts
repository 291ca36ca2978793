import { describeFailure, type BrokenOff } from '../transport/index.ts';
import { Refusal } from './refusal.ts';

/**
 * Whether the upstream was reached and hung up. Its caller is then hung up on as well: what tries again after a lost connection often does
 * not after a 502, and a program is to end behind the gateway as it does without.
 */
export function hungUp({ breakage, neverLeft }: BrokenOff): boolean {
  return breakage === 'connection' && !neverLeft;
}

/** What a client is told whose call broke before any of its answer was forwarded. */
export function brokenRefusal(origin: string, { breakage, failure }: BrokenOff, idleTimeoutMs: number): Refusal {
  if (breakage === 'timeout') return new Refusal({ status: 504, code: 'upstream_timeout', message: `${origin} sent nothing for ${idleTimeoutMs} ms`, cause: failure });
  return new Refusal({ status: 502, code: 'upstream_failed', message: `the exchange with ${origin} failed: ${describeFailure(failure)}`, hint: "check the upstream's address if this goes on", cause: failure });
}
