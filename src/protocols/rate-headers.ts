import type { HeaderReader, RateFacts } from './contract.ts';
import { durationMs, httpDate, NUMBER, rfc3339, wholeMs } from './durations.ts';

/**
 * Reads what response headers say of rate limits. A value that cannot be read, or is negative (Azure sends −1 for
 * "not limited here"), is `undefined`; a reset in the past is 0.
 *
 * - `retry-after`, in seconds or as an HTTP date (RFC 9110, section 10.2.3), and the finer `retry-after-ms` or
 *   `x-ms-retry-after-ms` (Azure OpenAI; the OpenAI SDKs read the first), which take precedence.
 * - `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`: OpenAI, "Rate limits", resets as durations (`6m0s`); Azure
 *   OpenAI and Groq alike, Azure's resets in bare seconds.
 * - `x-ratelimit-{limit,remaining,reset}`: OpenRouter, requests, reset in milliseconds since the epoch.
 * - `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`: Anthropic, "Rate limits",
 *   resets as RFC 3339 times; `tokens` is the most restrictive of the limits in force.
 *
 * @param header reads a header by its lower-case name
 * @param now milliseconds since the epoch when the response came
 */
export function readRateFacts(header: HeaderReader, now: number): RateFacts {
  const count = (...names: readonly string[]): number | undefined => first(names, (name) => readCount(header(name)));
  const reset = (...names: readonly string[]): number | undefined => first(names, (name) => readReset(header(name), now));
  return {
    retryAfterMs: readRetryAfter(header, now),
    limitRequests: count('x-ratelimit-limit-requests', 'anthropic-ratelimit-requests-limit', 'x-ratelimit-limit'),
    remainingRequests: count('x-ratelimit-remaining-requests', 'anthropic-ratelimit-requests-remaining', 'x-ratelimit-remaining'),
    resetRequestsMs: reset('x-ratelimit-reset-requests', 'anthropic-ratelimit-requests-reset', 'x-ratelimit-reset'),
    limitTokens: count('x-ratelimit-limit-tokens', 'anthropic-ratelimit-tokens-limit'),
    remainingTokens: count('x-ratelimit-remaining-tokens', 'anthropic-ratelimit-tokens-remaining'),
    resetTokensMs: reset('x-ratelimit-reset-tokens', 'anthropic-ratelimit-tokens-reset'),
    limitInputTokens: count('anthropic-ratelimit-input-tokens-limit'),
    remainingInputTokens: count('anthropic-ratelimit-input-tokens-remaining'),
    resetInputTokensMs: reset('anthropic-ratelimit-input-tokens-reset'),
    limitOutputTokens: count('anthropic-ratelimit-output-tokens-limit'),
    remainingOutputTokens: count('anthropic-ratelimit-output-tokens-remaining'),
    resetOutputTokensMs: reset('anthropic-ratelimit-output-tokens-reset'),
  };
}

function readRetryAfter(header: HeaderReader, now: number): number | undefined {
  for (const name of ['retry-after-ms', 'x-ms-retry-after-ms']) {
    const ms = header(name)?.trim();
    if (ms !== undefined && NUMBER.test(ms)) return wholeMs(Number(ms));
  }
  const value = header('retry-after')?.trim();
  if (value === undefined) return undefined;
  if (NUMBER.test(value)) return wholeMs(Number(value) * 1000);
  return until(httpDate(value), now);
}

function readCount(value: string | undefined): number | undefined {
  const text = value?.trim();
  return text !== undefined && NUMBER.test(text) ? Number(text) : undefined;
}

/** Bare numbers this large are times since the epoch: as seconds from now they would be over 30 years. */
const EPOCH_SECONDS = 1e9;
const EPOCH_MILLISECONDS = 1e11;

function readReset(value: string | undefined, now: number): number | undefined {
  const text = value?.trim();
  if (text === undefined) return undefined;
  if (NUMBER.test(text)) {
    const number = Number(text);
    if (number >= EPOCH_MILLISECONDS) return until(number, now);
    if (number >= EPOCH_SECONDS) return until(number * 1000, now);
  }
  return durationMs(text) ?? until(rfc3339(text), now);
}

function until(time: number | undefined, now: number): number | undefined {
  return time === undefined ? undefined : wholeMs(Math.max(0, time - now));
}

function first(names: readonly string[], read: (name: string) => number | undefined): number | undefined {
  for (const name of names) {
    const value = read(name);
    if (value !== undefined) return value;
  }
  return undefined;
}
