import type { CallStatus } from '../core/index.ts';
import type { ResponseFacts } from '../protocols/index.ts';

/** Why a try broke before its answer was whole, where it did. */
export type Breakage = 'timeout' | 'aborted' | 'connection';

/**
 * What became of one try, from what came back.
 *
 * @param httpStatus `null` where no response head arrived
 * @param facts what the body said, as far as it came
 */
export function fateOf(httpStatus: number | null, facts: ResponseFacts | undefined, breakage: Breakage | undefined): CallStatus {
  if (breakage === 'aborted') return 'aborted';
  if (breakage === 'timeout') return 'timeout';
  if (httpStatus === null || facts === undefined) return 'network_error';
  if (httpStatus === 429) return 'rate_limited';
  if (httpStatus >= 400) return facts.blocked ? 'blocked' : 'http_error';
  if (breakage === 'connection') return 'cut';
  if (facts.malformed) return 'malformed';
  if (facts.error !== undefined) return facts.blocked ? 'blocked' : 'http_error';
  if (!facts.complete) return 'cut';
  return facts.blocked ? 'blocked' : 'ok';
}
