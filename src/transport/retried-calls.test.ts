import { describe, expect, it } from 'vitest';
import { describeCall, type DescribedCall } from './describe-call.ts';
import { Places } from './place.ts';
import { mayBeRetried, RetriedCalls } from './retried-calls.ts';

const URL_OF_CALL = new URL('http://127.0.0.1:9/v1/chat/completions');
const BODY = '{"model":"m","messages":[{"role":"user","content":"hello"}]}';

function call(headers: Readonly<Record<string, string>> = {}, url: URL = URL_OF_CALL): DescribedCall {
  return describeCall({ method: 'POST', url, headers, body: BODY }, new Places())!;
}

describe('a call', () => {
  it('is a further try of one like it that failed in the same scope, again and again', () => {
    const calls = new RetriedCalls();
    const first = calls.begin(call(), { trial: 't' }, BODY);
    first.failed();
    const second = calls.begin(call(), { trial: 't' }, Buffer.from(BODY));
    second.failed();
    const third = calls.begin(call(), { trial: 't' }, BODY);
    expect([first, second, third].map(({ retry }) => retry)).toEqual([0, 1, 2]);
    expect(new Set([first, second, third].map(({ logicalId }) => logicalId)).size).toBe(1);
  });

  it('is one of its own after one that did not fail, and after one that was tried again already', () => {
    const calls = new RetriedCalls();
    calls.begin(call(), {}, BODY);
    expect(calls.begin(call(), {}, BODY).retry).toBe(0);
    calls.begin(call(), {}, BODY).failed();
    expect(calls.begin(call(), {}, BODY).retry).toBe(1);
    expect(calls.begin(call(), {}, BODY).retry).toBe(0);
  });

  it('is one of its own where scope, address or request differ', () => {
    const calls = new RetriedCalls();
    calls.begin(call(), { trial: 't' }, BODY).failed();
    expect(calls.begin(call(), { trial: 'u' }, BODY).retry).toBe(0);
    expect(calls.begin(call({}, new URL('http://127.0.0.1:10/v1/chat/completions')), { trial: 't' }, BODY).retry).toBe(0);
    expect(calls.begin(call(), { trial: 't' }, `${BODY} `).retry).toBe(0);
    expect(calls.begin(call(), { trial: 't' }, BODY).retry).toBe(1);
  });

  it('is the try that its client says it is', () => {
    const calls = new RetriedCalls();
    const [first, other] = [calls.begin(call({ 'x-stainless-retry-count': '0' }), {}, BODY), calls.begin(call({ 'x-stainless-retry-count': '3' }), {}, BODY)];
    first.failed();
    other.failed();
    const anew = calls.begin(call({ 'x-stainless-retry-count': '0' }), {}, BODY);
    expect(anew.retry).toBe(0);
    expect([first.logicalId, other.logicalId]).not.toContain(anew.logicalId);
    expect(calls.begin(call({ 'x-stainless-retry-count': '4' }), {}, BODY)).toMatchObject({ retry: 4, logicalId: other.logicalId });
    expect(calls.begin(call({ 'x-stainless-retry-count': '1' }), {}, BODY)).toMatchObject({ retry: 1, logicalId: first.logicalId });
  });

  it('of LangChain is not the first that its SDK takes it for', () => {
    const calls = new RetriedCalls();
    const headers = { 'x-stainless-retry-count': '0', 'user-agent': 'langchainjs-openai/1.0.0 ((node/v24.0.0; linux; x64))' };
    const first = calls.begin(call(headers), {}, BODY);
    first.failed();
    expect(calls.begin(call(headers), {}, BODY)).toMatchObject({ retry: 1, logicalId: first.logicalId });
  });

  it('is one of its own when the failure is long past', () => {
    let now = 0;
    const calls = new RetriedCalls({ now: () => now });
    calls.begin(call(), {}, BODY).failed();
    now = 121_000;
    expect(calls.begin(call(), {}, BODY).retry).toBe(0);
  });

  it('has its tries kept apart from those made beside it: as many are taken as failed', () => {
    const calls = new RetriedCalls();
    for (const { failed } of Array.from({ length: 3 }, () => calls.begin(call(), {}, BODY))) failed();
    expect(Array.from({ length: 4 }, () => calls.begin(call(), {}, BODY).retry)).toEqual([1, 1, 1, 0]);
  });

  it('is forgotten when a thousand others failed since', () => {
    const calls = new RetriedCalls();
    calls.begin(call(), { trial: 'first' }, BODY).failed();
    for (let index = 0; index < 1_000; index++) calls.begin(call(), { trial: String(index) }, BODY).failed();
    expect(calls.begin(call(), { trial: 'first' }, BODY).retry).toBe(0);
    expect(calls.begin(call(), { trial: '999' }, BODY).retry).toBe(1);
  });
});

describe('what may be tried again', () => {
  it.each([
    [429, undefined, true],
    [429, 'aborted', true],
    [500, undefined, true],
    [529, undefined, true],
    [408, undefined, true],
    [409, undefined, true],
    [400, undefined, false],
    [401, 'connection', false],
    [null, 'connection', true],
    [null, 'timeout', true],
    [null, 'aborted', false],
    [200, undefined, false],
    [200, 'connection', true],
    [200, 'aborted', false],
    [200, 'unreadable', false],
  ] as const)('status %s, broken off by %s: %s', (status, breakage, expected) => {
    expect(mayBeRetried(status, breakage)).toBe(expected);
  });
});
