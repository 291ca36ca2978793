import { describe, expect, it } from 'vitest';
import type { CallFate, CallRecord, Usage } from '../../core/index.ts';
import type { ServedOutcome, ServedRequest } from '../../simulator/index.ts';
import { reconcile } from './reconcile.ts';

const reported = (tokens: number): Usage => ({ inputFresh: tokens - 3, cacheRead: undefined, cacheWrite: undefined, outputText: 3, reasoning: undefined, source: 'reported' });
const UNKNOWN: Usage = { inputFresh: undefined, cacheRead: undefined, cacheWrite: undefined, outputText: undefined, reasoning: undefined, source: 'unknown' };

function call(id: string, status: CallFate | 'in_flight', usage: Usage = reported(10)): CallRecord {
  const intent = { id, logicalId: id, retry: 0, scope: {}, target: 'sim:weak', deployment: 'sim/local/weak', protocol: 'openai-chat', modelAsked: 'weak', stream: false, simulated: true, queuedAt: 0, sentAt: 0, waitedMs: 0, reservedTokens: 20 };
  if (status === 'in_flight') return { intent, settlement: null };
  return {
    intent,
    settlement: { id, status, httpStatus: null, modelAnswered: null, usage, costUsd: null, firstTokenMs: null, totalMs: null, finishReason: null, requestId: null, error: null },
  };
}

function request(id: string | null, outcome: ServedOutcome = 'ok', change: Partial<ServedRequest> = {}): ServedRequest {
  const total = outcome === 'ok' ? 10 : 0;
  return {
    request_id: `req-${String(id)}`,
    at: 0,
    endpoint: null,
    model: 'weak',
    stream: false,
    status: 200,
    outcome,
    fault: null,
    hidden: null,
    call: id,
    retry: null,
    prompt_tokens: total - 3,
    completion_tokens: 3,
    reasoning_tokens: 0,
    cached_tokens: 0,
    cache_write_tokens: 0,
    total_tokens: total,
    ...change,
  };
}

const line = (books: ReturnType<typeof reconcile>, what: string): unknown => {
  const { provider, ledger } = books.lines.find((each) => each.what === what)!;
  return [provider, ledger];
};

describe('two books', () => {
  it('that agree call by call are balanced', () => {
    const books = reconcile(
      [call('a', 'ok'), call('b', 'http_error', UNKNOWN), call('c', 'cut', UNKNOWN), call('d', 'rate_limited', UNKNOWN), call('e', 'blocked')],
      [request('e'), request('a'), request('b', 'error'), request('c', 'cut', { total_tokens: 7 }), request('d', 'rate_limited')],
    );
    expect(books.differences).toEqual([]);
    expect(books.balanced).toBe(true);
    expect(line(books, 'answered calls')).toEqual([2, 2]);
    expect(line(books, 'answers spoiled on the way')).toEqual([1, 1]);
    expect(line(books, 'all calls')).toEqual([5, 5]);
    expect(line(books, 'tokens, reported')).toEqual([20, 20]);
    expect(line(books, 'tokens, answers that never arrived whole')).toEqual([7, null]);
  });

  it.each<[string, CallRecord[], ServedRequest[], string]>([
    ['a request that the ledger lacks', [call('a', 'ok')], [request('a'), request('b')], 'the provider served req-b, and the ledger has no call b'],
    ['a second request under one row', [call('a', 'ok')], [request('a'), request('a', 'ok', { request_id: 'req-again' })], 'the provider served req-again, a second request under call a'],
    ['a request that names no row', [], [request(null)], 'the provider served req-null, which carries no ledger id'],
    ['an answer that the provider never gave', [call('a', 'ok'), call('b', 'ok')], [request('a')], 'call b is ok in the ledger, and the provider never served it'],
    ['an answer that the provider refused', [call('a', 'ok')], [request('a', 'error', { total_tokens: 10 })], 'call a is ok in the ledger and error at the provider'],
    ['an answer that the ledger calls an error', [call('a', 'http_error', UNKNOWN)], [request('a')], 'call a was served and is http_error in the ledger'],
    ['a token more or less', [call('a', 'ok', reported(11))], [request('a')], 'call a: 11 tokens in the ledger, 10 at the provider'],
    ['a call without an end', [call('a', 'in_flight')], [request('a')], 'call a is still in flight'],
  ])('differ by %s', (_what, calls, served, difference) => {
    const books = reconcile(calls, served);
    expect(books.differences).toEqual([difference]);
    expect(books.balanced).toBe(false);
  });

  it('agree on calls that were lost, served or not, whose tokens nobody booked', () => {
    const books = reconcile([call('a', 'lost', UNKNOWN), call('b', 'lost', UNKNOWN), call('c', 'lost', UNKNOWN)], [request('a'), request('b', 'aborted', { total_tokens: 5 })]);
    expect(books.balanced).toBe(true);
    expect(line(books, 'in flight at a kill')).toEqual([2, 3]);
    expect(line(books, 'answered calls')).toEqual([0, 0]);
    expect(line(books, 'tokens, answers that never arrived whole')).toEqual([15, null]);
  });

  it('keep what was answered from the store apart: the provider never saw it', () => {
    const books = reconcile([call('a', 'ok'), call('b', 'replayed', { ...UNKNOWN, source: 'reported', inputFresh: 0, outputText: 0 })], [request('a')]);
    expect(books.balanced).toBe(true);
    expect(line(books, 'all calls')).toEqual([1, 1]);
    expect(line(books, 'answered from the store')).toEqual([null, 1]);
  });

  it('take the last line of a request that the provider wrote twice', () => {
    const books = reconcile([call('a', 'lost', UNKNOWN)], [request('a'), request('a', 'aborted', { amends: true })]);
    expect(books.balanced).toBe(true);
    expect(line(books, 'all calls')).toEqual([1, 1]);
  });

  it('keep estimates apart from what was reported', () => {
    const books = reconcile([call('a', 'ok', { ...reported(9), source: 'estimated' })], [request('a')]);
    expect(books.balanced).toBe(true);
    expect(line(books, 'tokens, reported')).toEqual([0, 0]);
    expect(line(books, 'tokens, answers without usage (estimated)')).toEqual([10, 9]);
  });
});
