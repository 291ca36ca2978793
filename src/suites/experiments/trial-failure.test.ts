import { APICallError } from '@ai-sdk/provider';
import OpenAI, { APIConnectionError, APIConnectionTimeoutError, RateLimitError } from 'openai';
import { AxiosError, AxiosHeaders } from 'axios';
import { describe, expect, it } from 'vitest';
import { BudgetExhaustedError, CancelledError } from '../../core/index.ts';
import { CallError } from '../../transport/index.ts';
import { trialFailure } from './trial-failure.ts';

const budget = new BudgetExhaustedError({ budget: 'calls', limit: 1, used: 1 });
const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'), { code: 'ECONNREFUSED' });

describe('what a trial throws', () => {
  it.each<[string, unknown, object]>([
    ['an answer that the OpenAI SDK refuses', OpenAI.APIError.generate(401, { message: 'no' }, 'no', new Headers()), { source: 'target', outcomeCode: 'call_failed' }],
    ['a rate limit', new RateLimitError(429, { message: 'slow down' }, 'slow down', new Headers()), { source: 'target', outcomeCode: 'rate_limited' }],
    ['a connection that the SDK could not make', new APIConnectionError({ message: 'no', cause: refused }), { source: 'target', outcomeCode: 'network' }],
    ['a time-out of the SDK', new APIConnectionTimeoutError({ message: 'late' }), { source: 'target', outcomeCode: 'timeout' }],
    ["an error of the AI SDK's", new APICallError({ message: 'bad', url: 'http://x', requestBodyValues: {}, statusCode: 500 }), { source: 'target', outcomeCode: 'call_failed' }],
    ["an error of axios'", new AxiosError('failed', 'ERR_BAD_RESPONSE', undefined, undefined, { status: 503, statusText: '', headers: {}, config: { headers: new AxiosHeaders() }, data: '' }), { source: 'target', outcomeCode: 'call_failed' }],
    ['a fetch that failed', new TypeError('fetch failed', { cause: refused }), { source: 'target', outcomeCode: 'network', message: 'TypeError: fetch failed' }],
    ['one of several tries, as libraries that retry report them', new AggregateError([new Error('first'), refused], 'all tries failed'), { source: 'target', outcomeCode: 'network' }],
    ['a call of ctx.target(), wrapped', new Error('mine', { cause: new CallError({ code: 'timeout', message: 'late', status: 'timeout', deployment: 'd', tries: 8 }) }), { source: 'target', outcomeCode: 'timeout', message: 'late' }],
    ['an error of its own', new RangeError('mine'), { source: 'framework', outcomeCode: 'experiment_failed', message: 'RangeError: mine' }],
    ['what is no error', 'text', { source: 'framework', outcomeCode: 'experiment_failed', message: 'it threw what is no Error: text' }],
    ['a number that is no HTTP status', Object.assign(new Error('x'), { status: 7 }), { source: 'framework' }],
  ])('%s is told whose it is', (_what, thrown, expected) => {
    expect(trialFailure(thrown, undefined)).toMatchObject(expected);
  });

  it.each([
    ['a budget, however deep a library wrapped it', new APIConnectionError({ message: 'Connection error.', cause: new TypeError('fetch failed', { cause: budget }) }), budget],
    ['a budget as it is', budget, budget],
  ])('%s stays what it is: the run stops', (_what, thrown, expected) => {
    expect(trialFailure(thrown, undefined)).toBe(expected);
  });

  it('an abort of its own is a cancellation', () => {
    expect(trialFailure(new DOMException('This operation was aborted', 'AbortError'), undefined)).toBeInstanceOf(CancelledError);
  });

  it('names the line of the experiment that threw', () => {
    const error = new Error('mine');
    error.stack = 'Error: mine\n    at helper (file:///work/lib.mjs:3:7)\n    at run (file:///work/my%20game.mjs:12:9)\n    at process (node:internal:1:1)';
    expect(trialFailure(error, '/work/my game.mjs').message).toBe('mine (/work/my game.mjs:12)');
  });
});
