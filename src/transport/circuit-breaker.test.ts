import { describe, expect, it } from 'vitest';
import { VirtualClock, type CallStatus } from '../core/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';

const here = 'openai/api.openai.com/m';

describe('CircuitBreaker', () => {
  it.each([401, 403, 404])('opens after three %i in a row, and for that deployment alone', (code) => {
    const breaker = new CircuitBreaker(new VirtualClock());
    breaker.record(here, 'http_error', code, 'no');
    breaker.record(here, 'http_error', code, 'no');
    expect(breaker.refusal(here)).toBeUndefined();
    breaker.record(here, 'http_error', code, 'no');
    expect(breaker.refusal(here)).toContain(String(code));
    expect(breaker.refusal('openai/api.openai.com/other')).toBeUndefined();
  });

  it('opens after five identical 400s, not after different ones', () => {
    const breaker = new CircuitBreaker(new VirtualClock());
    for (let i = 0; i < 20; i++) breaker.record(here, 'http_error', 400, `bad ${i}`);
    expect(breaker.refusal(here)).toBeUndefined();
    for (let i = 0; i < 5; i++) breaker.record(here, 'http_error', 400, 'unknown parameter');
    expect(breaker.refusal(here)).toContain('unknown parameter');
  });

  it.each<[CallStatus, number | null]>([
    ['http_error', 500],
    ['http_error', 503],
    ['rate_limited', 429],
    ['timeout', null],
    ['network_error', null],
    ['cut', 200],
  ])('never opens for %s %s', (status, code) => {
    const breaker = new CircuitBreaker(new VirtualClock());
    for (let i = 0; i < 50; i++) breaker.record(here, status, code, 'same');
    expect(breaker.refusal(here)).toBeUndefined();
  });

  it('starts to count anew after an answer', () => {
    const breaker = new CircuitBreaker(new VirtualClock());
    for (let i = 0; i < 10; i++) {
      breaker.record(here, 'http_error', 404, 'no');
      breaker.record(here, 'http_error', 404, 'no');
      breaker.record(here, 'ok', 200, '');
    }
    expect(breaker.refusal(here)).toBeUndefined();
  });

  it('lets one call through after a minute, and closes when it is answered', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker(clock);
    for (let i = 0; i < 3; i++) breaker.record(here, 'http_error', 401, 'no');
    await clock.advance(60_000);
    expect(breaker.refusal(here)).toBeUndefined();
    expect(breaker.refusal(here)).toContain('401');
    breaker.record(here, 'ok', 200, '');
    expect(breaker.refusal(here)).toBeUndefined();
  });
});
