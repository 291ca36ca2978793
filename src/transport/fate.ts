import type { CallStatus } from '../core/index.ts';
import type { ProviderError, ResponseFacts } from '../protocols/index.ts';

/** Why a try broke before its answer was read, where it did. `unreadable`: more than can be held, or wrongly compressed. */
export type Breakage = 'timeout' | 'aborted' | 'connection' | 'unreadable';

const BROKEN: Readonly<Record<Breakage, CallStatus>> = { timeout: 'timeout', aborted: 'aborted', connection: 'cut', unreadable: 'malformed' };

/**
 * What became of one try, from what came back.
 *
 * @param httpStatus `null` where no response head arrived
 * @param facts what the body said, as far as it came
 */
export function fateOf(httpStatus: number | null, facts: ResponseFacts | undefined, breakage: Breakage | undefined): CallStatus {
  if (httpStatus === null || facts === undefined) return breakage === 'aborted' || breakage === 'timeout' ? breakage : 'network_error';
  const broken = breakage === undefined || isWhole(facts) ? undefined : BROKEN[breakage];
  if (broken === 'aborted') return broken;
  // The head has said all that matters, however its body ended.
  if (httpStatus >= 300) return refusal(httpStatus, facts);
  if (broken !== undefined && facts.error === undefined) return broken;
  if (facts.malformed) return 'malformed';
  if (facts.error !== undefined) return refusal(impliedStatus(httpStatus, facts.error) ?? httpStatus, facts);
  if (!facts.complete) return 'cut';
  return facts.blocked ? 'blocked' : 'ok';
}

function refusal(httpStatus: number, facts: ResponseFacts): CallStatus {
  if (httpStatus === 429) return 'rate_limited';
  return facts.blocked ? 'blocked' : 'http_error';
}

/** The answer came to its end and said what it used: what broke afterwards took nothing away. */
function isWhole(facts: ResponseFacts): boolean {
  return facts.complete && facts.usage.source === 'reported';
}

/** OpenAI, "Error codes": a 429 that waiting does not mend. */
const NO_CREDIT = new Set(['insufficient_quota', 'billing_hard_limit_reached', 'billing_not_active']);
const PAYMENT_REQUIRED = 402;

const WORDS: readonly (readonly [pattern: RegExp, status: number])[] = [
  [/rate_?limit|too_many_requests/, 429],
  [/overloaded/, 529],
  [/authentication|invalid_api_key/, 401],
  [/permission/, 403],
  [/not_found/, 404],
  [/invalid_request|invalid_prompt|context_length|unsupported|bad_request/, 400],
];

/**
 * The HTTP status that a failed answer stands for. Errors told inside a 2xx (Anthropic's and OpenAI's error events, OpenRouter's error
 * bodies) stand for the status they would have had, and a 429 for want of credit for a 402.
 */
export function impliedStatus(httpStatus: number | null, error: ProviderError | undefined): number | null {
  if (httpStatus === null || error === undefined) return httpStatus;
  const words = [error.code, error.type].flatMap((word) => (word === undefined ? [] : [word.toLowerCase()]));
  if (words.some((word) => NO_CREDIT.has(word))) return PAYMENT_REQUIRED;
  if (httpStatus >= 300) return httpStatus;
  const told = words.map(Number).find((code) => code >= 400 && code < 600);
  // What says nothing of its cause after the request was accepted is the server's trouble.
  return told ?? WORDS.find(([pattern]) => words.some((word) => pattern.test(word)))?.[1] ?? 500;
}
