import { describeFailure, type BrokenOff } from '../transport/index.ts';
import { Refusal } from './refusal.ts';

/** What a client is told whose call broke before any of its answer was forwarded. */
export function brokenRefusal(origin: string, breakage: BrokenOff['breakage'], failure: unknown, idleTimeoutMs: number): Refusal {
  if (breakage === 'timeout') return new Refusal({ status: 504, code: 'upstream_timeout', message: `${origin} sent nothing for ${idleTimeoutMs} ms`, cause: failure });
  return new Refusal({ status: 502, code: 'upstream_failed', message: `the exchange with ${origin} failed: ${describeFailure(failure)}`, hint: "check the upstream's address if this goes on", cause: failure });
}
