import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { REPLAYED } from '../../core/index.ts';

/*
 * The rules of core/usage.ts in SQL: a call's usage is known where its source is not `unknown` and at least one bucket is a
 * number; a bucket that is missing then adds nothing. A call in flight is neither known nor unknown.
 */
export const usage = {
  known: sql<boolean>`(calls.status <> 'in_flight' and calls.usage_source <> 'unknown'
    and coalesce(calls.input_fresh, calls.cache_read, calls.cache_write, calls.output_text, calls.reasoning) is not null)`,
  prompt: sql<number>`(coalesce(calls.input_fresh, 0) + coalesce(calls.cache_read, 0) + coalesce(calls.cache_write, 0))`,
  completion: sql<number>`(coalesce(calls.output_text, 0) + coalesce(calls.reasoning, 0))`,
};

/** No whole answer came, and none was refused: the provider may have worked and billed. */
export const maybeServed = sql<boolean>`(calls.status in ('in_flight', 'lost', 'timeout', 'aborted', 'cut', 'malformed'))`;

/** Something was sent: the row is not of a request that was answered from the store. */
export const wasSent: RawBuilder<boolean> = sql<boolean>`calls.status <> ${sql.lit(REPLAYED)}`;
