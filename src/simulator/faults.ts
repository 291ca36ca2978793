import { seededRandom } from '../core/index.ts';

/** What can go wrong, in the order in which a draw is laid out. */
export const FAULT_KINDS = [
  'error500',
  'error503',
  'error529',
  'timeout',
  'reset',
  'cut',
  'malformed',
  'missingUsage',
  'contentFilter',
  'empty',
  'slowFirstByte',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * Chance of each fault per request, 0 … 1, together at most 1; a request meets at most one.
 *
 * - `error500`, `error503`, `error529`: an error answer (529, overloaded, is Anthropic's; elsewhere it becomes a 503)
 * - `timeout`: no answer at all until `hangMs` have passed
 * - `reset`: the connection is reset before any byte of an answer
 * - `cut`: the answer stops half way; a stream is broken off, or ends in silence without its end mark
 * - `malformed`: a 200 whose body, or one event of whose stream, cannot be read
 * - `missingUsage`: a whole answer that does not say its usage
 * - `contentFilter`: Azure answers 400 `content_filter`; OpenAI and Anthropic stop the answer part way
 * - `empty`: an answer of no text
 * - `slowFirstByte`: `slowFirstByteMs` pass before the answer starts
 */
export type FaultRates = { readonly [K in FaultKind]?: number };

/** What a fault depends on: never on time or on the order of arrival. */
export interface FaultKey {
  readonly seed: number;
  readonly variant: string;
  /** System prompt and last user message. */
  readonly goal: string;
  readonly turn: number;
  readonly generation: string;
  /** 0 for a first try; each retry draws anew. */
  readonly retry: number;
}

/** The fault that this request meets, if any. */
export function chooseFault(rates: FaultRates, key: FaultKey): FaultKind | undefined {
  let draw = seededRandom('fault', key.seed, key.variant, key.goal, key.turn, key.generation, key.retry).next();
  for (const kind of FAULT_KINDS) {
    draw -= rates[kind] ?? 0;
    if (draw < 0) return kind;
  }
  return undefined;
}
