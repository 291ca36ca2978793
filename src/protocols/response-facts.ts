import { UNKNOWN_USAGE } from '../core/index.ts';
import type { ResponseFacts } from './contract.ts';
import type { ErrorReading } from './provider-error.ts';

/** Facts of an answer that says nothing yet. */
export const NO_FACTS: ResponseFacts = {
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

/** A 2xx body that is not of the expected format. */
export const MALFORMED_FACTS: ResponseFacts = { ...NO_FACTS, malformed: true };

/** Facts of an answer that is an error; a content filter's refusal is also `blocked`. */
export function errorFacts(reading: ErrorReading, requestId?: string): ResponseFacts {
  return { ...NO_FACTS, requestId, error: reading.error, blocked: reading.error.contentFilter, blockReason: reading.blockReason };
}

/** Whether a status is a success. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
