import { sql } from 'kysely';
import type { CallRecord, LeaseHolder } from '../../core/index.ts';
import type { CallFilter } from '../contract.ts';
import { decodeCall, IN_FLIGHT } from '../rows/call-row.ts';
import { decodeHolder } from '../rows/holder-text.ts';
import type { Db } from '../schema.ts';
import { matches } from './call-filter.ts';
import { usage, wasSent } from './usage-sql.ts';

const DEFAULT_CALLS = 1_000;

export async function readCalls(db: Db, filter: CallFilter, page: { readonly limit?: number; readonly after?: string }): Promise<CallRecord[]> {
  let query = db
    .selectFrom('calls')
    .selectAll()
    .where(matches(filter))
    .orderBy('id')
    .limit(page.limit ?? DEFAULT_CALLS);
  if (page.after !== undefined) query = query.where('id', '>', page.after);
  return (await query.execute()).map(decodeCall);
}

const chargedTokens = sql<number>`case when ${usage.known} then ${usage.prompt} + ${usage.completion} else calls.reserved_tokens end`;

export async function tokensSince(db: Db, deployment: string, since: number): Promise<number> {
  const row = await db
    .selectFrom('calls')
    .select(sql<number | null>`sum(${chargedTokens})`.as('tokens'))
    .where('deployment', '=', deployment)
    .where('sent_at', '>=', since)
    .where(wasSent)
    .executeTakeFirst();
  return row?.tokens ?? 0;
}

export async function callsSince(db: Db, deployment: string, since: number): Promise<{ at: number; tokens: number }[]> {
  const rows = await db
    .selectFrom('calls')
    .select(['sent_at', chargedTokens.as('tokens')])
    .where('deployment', '=', deployment)
    .where('sent_at', '>=', since)
    .where(wasSent)
    .orderBy('sent_at')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({ at: row.sent_at, tokens: row.tokens }));
}

/** The processes that have calls in flight; their ids are the texts by which the rows name them. */
export async function holdersInFlight(db: Db): Promise<LeaseHolder[]> {
  // The status is written into the statement, so that only the index of what is in flight is read.
  const rows = await db.selectFrom('calls').select('holder').distinct().where('status', '=', sql.lit(IN_FLIGHT)).where('holder', 'is not', null).execute();
  return rows.flatMap(({ holder }) => (holder === null ? [] : [decodeHolder(holder)]));
}
