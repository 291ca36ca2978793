import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { CallFilter, CallGrouping, CallSums } from '../contract.ts';
import type { Db } from '../schema.ts';
import { matches } from './call-filter.ts';
import { addSums, SUM_COLUMNS, sumsOf } from './sum-rows.ts';

/** The group of calls that lack what they are grouped by. */
const UNATTRIBUTED = 'unattributed';

export async function sumCalls(db: Db, filter: CallFilter, by: CallGrouping): Promise<Map<string, CallSums>> {
  const name = groupName(by);
  const rows = await db
    .selectFrom('calls')
    .$if(by === 'plugin' || by === 'variant', (calls) =>
      calls.leftJoin('goals', (join) => join.onRef('goals.run_id', '=', 'calls.run_id').onRef('goals.goal_index', '=', 'calls.goal_index')),
    )
    .where(matches(filter))
    .select([name.as('name'), ...SUM_COLUMNS])
    .groupBy([name, 'calls.status'])
    .execute();
  const groups = new Map<string, CallSums>();
  for (const row of rows) {
    const sums = groups.get(row.name);
    groups.set(row.name, sums === undefined ? sumsOf(row) : addSums(sums, sumsOf(row)));
  }
  return groups;
}

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
    case 'variant':
      return orUnattributed(sql`goals.variant`);
    case 'trial':
      return orUnattributed(sql`calls.trial`);
    case 'branch':
      return orUnattributed(sql`calls.branch`);
    case 'phase':
      return orUnattributed(sql`calls.phase`);
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
