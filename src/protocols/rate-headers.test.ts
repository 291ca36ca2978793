import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRateFacts } from './rate-headers.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const read = (headers: Readonly<Record<string, string>>) => readRateFacts((name) => headers[name], NOW);

describe('rate-limit headers', () => {
  it('say nothing where there are none', () => {
    expect(Object.values(read({})).every((fact) => fact === undefined)).toBe(true);
  });

  it('are read as OpenAI sends them', () => {
    expect(
      read({
        'x-ratelimit-limit-requests': '60',
        'x-ratelimit-limit-tokens': '150000',
        'x-ratelimit-remaining-requests': '59',
        'x-ratelimit-remaining-tokens': '149984',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-reset-tokens': '6m0s',
      }),
    ).toMatchObject({ limitRequests: 60, limitTokens: 150_000, remainingRequests: 59, remainingTokens: 149_984, resetRequestsMs: 1000, resetTokensMs: 360_000 });
  });

  it('are read as Anthropic sends them', () => {
    expect(
      read({
        'anthropic-ratelimit-requests-limit': '50',
        'anthropic-ratelimit-requests-remaining': '0',
        'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:30Z',
        'anthropic-ratelimit-tokens-limit': '48000',
        'anthropic-ratelimit-tokens-remaining': '1000',
        'anthropic-ratelimit-tokens-reset': '2026-01-01T01:00:45+01:00',
        'anthropic-ratelimit-input-tokens-limit': '40000',
        'anthropic-ratelimit-input-tokens-remaining': '39000',
        'anthropic-ratelimit-input-tokens-reset': '2026-01-01T00:00:01.5Z',
        'anthropic-ratelimit-output-tokens-limit': '8000',
        'anthropic-ratelimit-output-tokens-remaining': '7000',
        'anthropic-ratelimit-output-tokens-reset': '2025-12-31T23:59:59Z',
        'retry-after': '12',
      }),
    ).toEqual({
      retryAfterMs: 12_000,
      limitRequests: 50,
      remainingRequests: 0,
      resetRequestsMs: 30_000,
      limitTokens: 48_000,
      remainingTokens: 1000,
      resetTokensMs: 45_000,
      limitInputTokens: 40_000,
      remainingInputTokens: 39_000,
      resetInputTokensMs: 1500,
      limitOutputTokens: 8000,
      remainingOutputTokens: 7000,
      resetOutputTokensMs: 0,
    });
  });

  it('are read as Azure sends them: bare seconds, and −1 for what is not limited there', () => {
    expect(read({ 'x-ratelimit-limit-tokens': '-1', 'x-ratelimit-remaining-tokens': '-1', 'x-ratelimit-reset-tokens': '0', 'x-ratelimit-reset-requests': '37' })).toMatchObject({
      limitTokens: undefined,
      remainingTokens: undefined,
      resetTokensMs: 0,
      resetRequestsMs: 37_000,
    });
  });

  it('are read as OpenRouter sends them: milliseconds since the epoch', () => {
    expect(read({ 'x-ratelimit-limit': '20', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW + 5000) })).toMatchObject({ limitRequests: 20, remainingRequests: 0, resetRequestsMs: 5000 });
    expect(read({ 'x-ratelimit-reset': String(NOW - 5000) }).resetRequestsMs).toBe(0);
    expect(read({ 'x-ratelimit-reset': String(NOW / 1000 + 5) }).resetRequestsMs).toBe(5000);
  });

  it.each([
    ['20ms', 20],
    ['1s', 1000],
    ['7.66s', 7660],
    ['2m59.56s', 179_560],
    ['1h2m3.5s', 3_723_500],
    ['1d', 86_400_000],
    ['500µs', 1],
    ['1500us', 2],
    ['0s', 0],
    ['12', 12_000],
    ['0.25', 250],
    [' 3s ', 3000],
    ['', undefined],
    ['soon', undefined],
    ['1s ago', undefined],
    ['-5', undefined],
    ['-1s', undefined],
    ['1e3', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
    ['1.s', undefined],
    ['2026-13-01T00:00:00Z', undefined],
    ['2026-01-01', undefined],
    ['9'.repeat(400), undefined],
  ])('reset after %j is %s ms', (text, ms) => {
    expect(read({ 'x-ratelimit-reset-tokens': text }).resetTokensMs).toBe(ms);
  });

  it.each([
    [{ 'retry-after': '5' }, 5000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:10 GMT' }, 10_000],
    [{ 'retry-after': 'Thursday, 01-Jan-26 00:00:10 GMT' }, 10_000],
    [{ 'retry-after': 'Thu Jan  1 00:00:10 2026' }, 10_000],
    [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, 0],
    [{ 'retry-after': '5', 'retry-after-ms': '4321' }, 4321],
    [{ 'retry-after': '5', 'x-ms-retry-after-ms': '4321' }, 4321],
    [{ 'retry-after': '5', 'retry-after-ms': 'later' }, 5000],
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after': 'later' }, undefined],
    [{ 'retry-after': '1s' }, undefined],
    [{ 'retry-after': 'Thu, 99 Jan 2026 00:00:10 GMT' }, undefined],
    [{ 'retry-after': '' }, undefined],
  ])('%j waits %s ms', (headers, ms) => {
    expect(readRateFacts((name) => (headers as Record<string, string>)[name], NOW).retryAfterMs).toBe(ms);
  });

  it('are facts that are whole and not negative, or none, whatever they hold', () => {
    const part = fc.constantFrom('1', '0', '-', '.', 's', 'ms', 'm', 'h', ':', 'T', 'Z', ' ', '2026-01-01T00:00:00Z', 'Thu, 01 Jan 2026 00:00:10 GMT', '1767225600000');
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''))), (value) => {
        const facts = Object.values(readRateFacts(() => value, NOW));
        expect(facts.every((fact) => fact === undefined || (Number.isFinite(fact) && fact >= 0))).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect.assertions(2000);
  });
});
