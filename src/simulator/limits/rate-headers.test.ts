import { describe, expect, it } from 'vitest';
import { anthropicRateHeaders, azureRateHeaders, goDuration, openaiRateHeaders, retryAfterHeaders } from './rate-headers.ts';

const state = { rpm: { limit: 60, remaining: 59, resetMs: 1000 }, tpm: { limit: 150_000, remaining: 149_984, resetMs: 360_000 } };

describe('rate headers', () => {
  it.each([
    [0, '0s'],
    [1, '1ms'],
    [999.2, '1s'],
    [1000, '1s'],
    [1500, '1.5s'],
    [60_000, '1m0s'],
    [360_000, '6m0s'],
    [4_320_000, '1h12m0s'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(goDuration(ms)).toBe(text);
  });

  it('speaks OpenAI', () => {
    expect(openaiRateHeaders(state)).toEqual({
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-tokens': '6m0s',
    });
  });

  it('speaks Azure, without resets', () => {
    expect(Object.keys(azureRateHeaders(state))).toEqual(['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests', 'x-ratelimit-limit-tokens', 'x-ratelimit-remaining-tokens']);
  });

  it('speaks Anthropic, with resets as times that are not too early', () => {
    const headers = anthropicRateHeaders({ ...state, itpm: state.tpm }, Date.UTC(2026, 0, 1, 0, 0, 0, 500));
    expect(headers).toMatchObject({ 'anthropic-ratelimit-requests-limit': '60', 'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:02Z', 'anthropic-ratelimit-input-tokens-remaining': '149984' });
    expect(headers).not.toHaveProperty('anthropic-ratelimit-output-tokens-limit');
  });

  it('lets the tighter of two request limits speak', () => {
    expect(openaiRateHeaders({ ...state, rps: { limit: 2, remaining: 0, resetMs: 900 } })['x-ratelimit-remaining-requests']).toBe('0');
  });

  it('rounds a wait up, never down', () => {
    expect(retryAfterHeaders(1200.1, true)).toEqual({ 'retry-after': '2', 'retry-after-ms': '1201' });
    expect(retryAfterHeaders(0, false)).toEqual({ 'retry-after': '1' });
    expect(retryAfterHeaders(Infinity, false)).toEqual({ 'retry-after': '86400' });
  });
});
