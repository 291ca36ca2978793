import type { RateState } from '../limits/enforcer.ts';
import { anthropicRateHeaders, azureRateHeaders, openaiRateHeaders, retryAfterHeaders } from '../limits/rate-headers.ts';
import { anthropicErrorBody } from './anthropic-errors.ts';
import { azureErrorBody } from './azure-errors.ts';
import { openaiErrorBody } from './openai-errors.ts';
import type { Dialect, Problem } from './problem.ts';

type Headers = Record<string, string>;

/** The body with which a provider reports a problem. */
export function errorBody(problem: Problem, dialect: Dialect, requestId: string): object {
  switch (dialect) {
    case 'openai':
      return openaiErrorBody(problem);
    case 'azure':
      return azureErrorBody(problem);
    case 'anthropic':
      return anthropicErrorBody(problem, requestId);
  }
}

/** Headers that say how the limits stand. */
export function rateHeaders(state: RateState, dialect: Dialect, now: number): Headers {
  switch (dialect) {
    case 'openai':
      return openaiRateHeaders(state);
    case 'azure':
      return azureRateHeaders(state);
    case 'anthropic':
      return anthropicRateHeaders(state, now);
  }
}

/** Headers that tell a refused caller when to come back. Anthropic knows whole seconds only. */
export function retryHeaders(waitMs: number, dialect: Dialect): Headers {
  return retryAfterHeaders(waitMs, dialect !== 'anthropic');
}

/** The header under which each provider gives the request's id. */
export function idHeaders(requestId: string, dialect: Dialect): Headers {
  switch (dialect) {
    case 'openai':
      return { 'x-request-id': requestId };
    case 'azure':
      return { 'apim-request-id': requestId, 'x-request-id': requestId };
    case 'anthropic':
      return { 'request-id': requestId };
  }
}

/** The key that a request brings, wherever its provider's clients put it. */
export function keyOf(headers: { readonly [name: string]: string | string[] | undefined }, dialect: Dialect): string | undefined {
  const own = dialect === 'azure' ? headers['api-key'] : dialect === 'anthropic' ? headers['x-api-key'] : undefined;
  if (typeof own === 'string') return own;
  const { authorization } = headers;
  return typeof authorization === 'string' ? /^Bearer\s+(.+)$/i.exec(authorization)?.[1] : undefined;
}
