import type { DimensionState, RateState } from './enforcer.ts';

type Headers = Record<string, string>;

/** A duration as Go prints it, which is how OpenAI writes its resets: `120ms`, `1.5s`, `6m0s`, `1h12m0s`. */
export function goDuration(ms: number): string {
  if (ms <= 0) return '0s';
  const totalMs = Math.ceil(ms);
  if (totalMs < 1000) return `${totalMs}ms`;
  const hours = Math.floor(totalMs / 3_600_000);
  const minutes = Math.floor((totalMs % 3_600_000) / 60_000);
  const seconds = (totalMs % 60_000) / 1000;
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

/** The tighter of the request limits speaks for requests. */
function requests(state: RateState): DimensionState | undefined {
  const { rpm, rps } = state;
  if (rpm === undefined || rps === undefined) return rpm ?? rps;
  return { limit: rpm.limit, remaining: Math.min(rpm.remaining, rps.remaining), resetMs: Math.max(rpm.resetMs, rps.resetMs) };
}

/** `x-ratelimit-*` as OpenAI documents them ("Rate limits"). */
export function openaiRateHeaders(state: RateState): Headers {
  return { ...xRatelimit('requests', requests(state), true), ...xRatelimit('tokens', state.tpm, true) };
}

/** Azure sends limits and remainders without resets. */
export function azureRateHeaders(state: RateState): Headers {
  return { ...xRatelimit('requests', requests(state), false), ...xRatelimit('tokens', state.tpm, false) };
}

function xRatelimit(what: string, state: DimensionState | undefined, reset: boolean): Headers {
  if (state === undefined) return {};
  return {
    [`x-ratelimit-limit-${what}`]: String(state.limit),
    [`x-ratelimit-remaining-${what}`]: String(state.remaining),
    ...(reset ? { [`x-ratelimit-reset-${what}`]: goDuration(state.resetMs) } : {}),
  };
}

/** `anthropic-ratelimit-*` with RFC 3339 resets ("Rate limits"). Remainders are exact here, not rounded to thousands. */
export function anthropicRateHeaders(state: RateState, now: number): Headers {
  const family = (what: string, of: DimensionState | undefined): Headers =>
    of === undefined
      ? {}
      : {
          [`anthropic-ratelimit-${what}-limit`]: String(of.limit),
          [`anthropic-ratelimit-${what}-remaining`]: String(of.remaining),
          [`anthropic-ratelimit-${what}-reset`]: new Date(Math.ceil((now + of.resetMs) / 1000) * 1000).toISOString().replace('.000Z', 'Z'),
        };
  return {
    ...family('requests', requests(state)),
    ...family('tokens', state.tpm),
    ...family('input-tokens', state.itpm),
    ...family('output-tokens', state.otpm),
  };
}

/** How long a refused caller should wait; whole seconds are rounded up so that obeying them is enough. */
export function retryAfterHeaders(waitMs: number, withMilliseconds: boolean): Headers {
  // A request that never fits is told to stay away for a day, as Azure does.
  const ms = Number.isFinite(waitMs) ? Math.max(1, Math.ceil(waitMs)) : 86_400_000;
  return { 'retry-after': String(Math.ceil(ms / 1000)), ...(withMilliseconds ? { 'retry-after-ms': String(ms) } : {}) };
}
