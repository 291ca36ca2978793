import { describe, expect, it } from 'vitest';
import { UNKNOWN_USAGE, type CallStatus } from '../core/index.ts';
import type { ProviderError, ResponseFacts } from '../protocols/index.ts';
import { fateOf, impliedStatus, type Breakage } from './fate.ts';

const NOTHING: ResponseFacts = {
  model: undefined,
  requestId: undefined,
  answers: [],
  usage: UNKNOWN_USAGE,
  blocked: false,
  blockReason: undefined,
  error: undefined,
  complete: false,
  malformed: false,
};
const WHOLE: ResponseFacts = { ...NOTHING, complete: true, usage: { ...UNKNOWN_USAGE, inputFresh: 3, outputText: 1, source: 'reported' } };
const failed = (part: Partial<ProviderError>): ProviderError => ({ message: 'no', type: undefined, code: undefined, contentFilter: false, ...part });

describe('fateOf', () => {
  it.each<[what: string, httpStatus: number | null, facts: ResponseFacts | undefined, breakage: Breakage | undefined, status: CallStatus]>([
    ['nothing came back', null, undefined, 'connection', 'network_error'],
    ['nothing came back in time', null, undefined, 'timeout', 'timeout'],
    ['the caller left before the head', null, undefined, 'aborted', 'aborted'],
    ['a whole answer', 200, WHOLE, undefined, 'ok'],
    ['a whole answer that a filter stopped', 200, { ...WHOLE, blocked: true }, undefined, 'blocked'],
    ['a whole answer whose connection then broke', 200, WHOLE, 'connection', 'ok'],
    ['a whole answer whose connection then stayed open', 200, WHOLE, 'timeout', 'ok'],
    ['a whole answer, and then the caller left', 200, WHOLE, 'aborted', 'ok'],
    ['an answer that lacks its usage when the connection breaks', 200, { ...NOTHING, complete: true }, 'connection', 'cut'],
    ['an answer that lacks its usage', 200, { ...NOTHING, complete: true }, undefined, 'ok'],
    ['half an answer', 200, NOTHING, undefined, 'cut'],
    ['half an answer, then a break', 200, NOTHING, 'connection', 'cut'],
    ['half an answer, then nothing', 200, NOTHING, 'timeout', 'timeout'],
    ['half an answer, then the caller left', 200, NOTHING, 'aborted', 'aborted'],
    ['half an answer of too much', 200, NOTHING, 'unreadable', 'malformed'],
    ['what cannot be read', 200, { ...NOTHING, malformed: true }, undefined, 'malformed'],
    ['an error in a stream that then breaks', 200, { ...NOTHING, error: failed({}) }, 'connection', 'http_error'],
    ['a throttling error in a stream', 200, { ...NOTHING, error: failed({ type: 'rate_limit_error' }) }, undefined, 'rate_limited'],
    ['a refusal by a filter inside a 200', 200, { ...NOTHING, blocked: true, error: failed({ contentFilter: true, code: 'content_filter' }) }, undefined, 'blocked'],
    ['a 429 whose body breaks off', 429, NOTHING, 'connection', 'rate_limited'],
    ['a 500 whose body never ends', 500, NOTHING, 'timeout', 'http_error'],
    ['a 500, and then the caller left', 500, NOTHING, 'aborted', 'aborted'],
    ['a redirect whose body breaks off', 302, NOTHING, 'connection', 'http_error'],
    ['a 400 by a filter', 400, { ...NOTHING, blocked: true }, undefined, 'blocked'],
    ['a 429 for want of credit', 429, { ...NOTHING, error: failed({ code: 'insufficient_quota' }) }, undefined, 'rate_limited'],
  ])('%s', (_what, httpStatus, facts, breakage, status) => {
    expect(fateOf(httpStatus, facts, breakage)).toBe(status);
  });
});

describe('impliedStatus', () => {
  it.each<[httpStatus: number | null, error: Partial<ProviderError> | undefined, implied: number | null]>([
    [null, undefined, null],
    [200, undefined, 200],
    [503, { code: '429' }, 503],
    [429, { code: 'insufficient_quota' }, 402],
    [429, { code: 'rate_limit_exceeded' }, 429],
    [200, { code: '502' }, 502],
    [200, { type: 'overloaded_error' }, 529],
    [200, { type: 'rate_limit_error' }, 429],
    [200, { type: 'api_error' }, 500],
    [200, { type: 'server_error', code: 'server_error' }, 500],
    [200, { type: 'invalid_request_error' }, 400],
    [200, { type: 'authentication_error' }, 401],
    [200, { type: 'not_found_error' }, 404],
    [200, {}, 500],
  ])('of HTTP %s with %j is %s', (httpStatus, error, implied) => {
    expect(impliedStatus(httpStatus, error === undefined ? undefined : failed(error))).toBe(implied);
  });
});
