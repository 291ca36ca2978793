import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { CALL_STATUSES } from '../../core/index.ts';
import type { CallRecord } from '../../core/index.ts';
import type { CallFilter, CallGrouping, CallSums } from '../contract.ts';
import { decodeCall, IN_FLIGHT } from '../rows/call-row.ts';
import type { Db } from '../schema.ts';

const DEFAULT_CALLS = 1_000;

/** The group of calls that lack what they are grouped by. */
const UNATTRIBUTED = 'unattributed';

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

/*
 * The rules of core/usage.ts in SQL: a call's usage is known where its source is not `unknown` and at least one bucket is a
 * number; a bucket that is missing then adds nothing. A call in flight is neither known nor unknown.
 */
const usage = {
  known: sql<boolean>`(calls.status <> 'in_flight' and calls.usage_source <> 'unknown'
    and coalesce(calls.input_fresh, calls.cache_read, calls.cache_write, calls.output_text, calls.reasoning) is not null)`,
  prompt: sql<number>`(coalesce(calls.input_fresh, 0) + coalesce(calls.cache_read, 0) + coalesce(calls.cache_write, 0))`,
  completion: sql<number>`(coalesce(calls.output_text, 0) + coalesce(calls.reasoning, 0))`,
};

/** No whole answer came, and none was refused: the provider may have worked and billed. */
const maybeServed = sql<boolean>`(calls.status in ('in_flight', 'lost', 'timeout', 'aborted', 'cut', 'malformed'))`;

const sumKnown = (figure: RawBuilder<number>): RawBuilder<number | null> => sql<number | null>`sum(case when ${usage.known} then ${figure} end)`;
const countWhere = (condition: RawBuilder<boolean>): RawBuilder<number | string> => sql<number | string>`count(case when ${condition} then 1 end)`;

export async function sumCalls(db: Db, filter: CallFilter, by: CallGrouping): Promise<Map<string, CallSums>> {
  const name = groupName(by);
  const rows = await db
    .selectFrom('calls')
    .$if(by === 'plugin', (calls) =>
      calls.leftJoin('goals', (join) => join.onRef('goals.run_id', '=', 'calls.run_id').onRef('goals.goal_index', '=', 'calls.goal_index')),
    )
    .where(matches(filter))
    .select(({ fn }) => [
      name.as('name'),
      'calls.status',
      fn.countAll<number | string>().as('n'),
      sumKnown(usage.prompt).as('prompt'),
      sumKnown(usage.completion).as('completion'),
      sumKnown(sql`calls.reasoning`).as('reasoning'),
      sumKnown(sql`calls.cache_read`).as('cache_read'),
      sumKnown(sql`calls.cache_write`).as('cache_write'),
      countWhere(sql`${usage.known} and calls.usage_source = 'estimated'`).as('estimated'),
      countWhere(usage.known).as('known'),
      countWhere(sql`${usage.known} and calls.cost_usd is null`).as('unpriced'),
      sql<number | null>`sum(case when ${maybeServed} and not ${usage.known} then calls.reserved_tokens end)`.as('unknown_reserved'),
      countWhere(sql`calls.retry > 0`).as('retries'),
      fn.sum<number | null>('calls.cost_usd').as('cost'),
      fn.sum<number | null>('calls.waited_ms').as('waited'),
    ])
    .groupBy([name, 'calls.status'])
    .execute();
  const groups = new Map<string, CallSums>();
  for (const row of rows) {
    const n = Number(row.n);
    const sums = groups.get(row.name) ?? NO_CALLS;
    groups.set(row.name, {
      calls: { ...sums.calls, [row.status]: n, total: sums.calls.total + n },
      prompt_tokens: sums.prompt_tokens + (row.prompt ?? 0),
      completion_tokens: sums.completion_tokens + (row.completion ?? 0),
      reasoning_tokens: row.reasoning === null ? sums.reasoning_tokens : (sums.reasoning_tokens ?? 0) + row.reasoning,
      total_tokens: sums.total_tokens + (row.prompt ?? 0) + (row.completion ?? 0),
      cache_read_tokens: sums.cache_read_tokens + (row.cache_read ?? 0),
      cache_write_tokens: sums.cache_write_tokens + (row.cache_write ?? 0),
      estimated: sums.estimated + Number(row.estimated),
      unknown_calls: sums.unknown_calls + (row.status === IN_FLIGHT ? 0 : n - Number(row.known)),
      unknown_reserved_tokens: sums.unknown_reserved_tokens + (row.unknown_reserved ?? 0),
      cost_usd: sums.cost_usd + (row.cost ?? 0),
      unpriced: sums.unpriced + Number(row.unpriced),
      retries: sums.retries + Number(row.retries),
      waited_ms: sums.waited_ms + (row.waited ?? 0),
    });
  }
  return groups;
}

const chargedTokens = sql<number>`case when ${usage.known} then ${usage.prompt} + ${usage.completion} else calls.reserved_tokens end`;

export async function tokensSince(db: Db, deployment: string, since: number): Promise<number> {
  const row = await db
    .selectFrom('calls')
    .select(sql<number | null>`sum(${chargedTokens})`.as('tokens'))
    .where('deployment', '=', deployment)
    .where('sent_at', '>=', since)
    .executeTakeFirst();
  return row?.tokens ?? 0;
}

export async function callsSince(db: Db, deployment: string, since: number): Promise<{ at: number; tokens: number }[]> {
  const rows = await db
    .selectFrom('calls')
    .select(['sent_at', chargedTokens.as('tokens')])
    .where('deployment', '=', deployment)
    .where('sent_at', '>=', since)
    .orderBy('sent_at')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({ at: row.sent_at, tokens: row.tokens }));
}

const NO_CALLS: CallSums = {
  calls: Object.fromEntries([...CALL_STATUSES, IN_FLIGHT, 'total'].map((status) => [status, 0])) as CallSums['calls'],
  prompt_tokens: 0,
  completion_tokens: 0,
  reasoning_tokens: null,
  total_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  estimated: 0,
  unknown_calls: 0,
  unknown_reserved_tokens: 0,
  cost_usd: 0,
  unpriced: 0,
  retries: 0,
  waited_ms: 0,
};

function groupName(by: CallGrouping): RawBuilder<string> {
  switch (by) {
    case 'all':
      return sql<string>`'all'`;
    case 'model':
      return sql<string>`coalesce(calls.model_answered, calls.model_asked, ${sql.lit(UNATTRIBUTED)})`;
    case 'role':
      return orUnattributed(sql`calls.role`);
    case 'deployment':
      return orUnattributed(sql`calls.deployment`);
    case 'plugin':
      return orUnattributed(sql`goals.plugin`);
    case 'branch':
      return orUnattributed(sql`calls.branch`);
    case 'status':
      return orUnattributed(sql`calls.status`);
    case 'goal':
      return orUnattributed(sql`cast(calls.goal_index as text)`);
    default:
      return by satisfies never;
  }
}

function orUnattributed(name: RawBuilder<unknown>): RawBuilder<string> {
  return sql<string>`coalesce(${name}, ${sql.lit(UNATTRIBUTED)})`;
}

/** `runId: null` means calls that belong to no run; an absent part of the filter does not filter. */
function matches(filter: CallFilter): RawBuilder<boolean> {
  const conditions: RawBuilder<boolean>[] = [];
  if (filter.runId === null) conditions.push(sql`calls.run_id is null`);
  else if (filter.runId !== undefined) conditions.push(sql`calls.run_id = ${filter.runId}`);
  if (filter.goalIndex !== undefined) conditions.push(sql`calls.goal_index = ${filter.goalIndex}`);
  if (filter.attemptKey !== undefined) conditions.push(sql`calls.attempt_key = ${filter.attemptKey}`);
  return conditions.length === 0 ? sql`1 = 1` : sql`${sql.join(conditions, sql` and `)}`;
}
