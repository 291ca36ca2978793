import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { CallFilter } from '../contract.ts';

/** The rows of `calls` that a filter names. `runId: null` means calls that belong to no run; an absent part does not filter. */
export function matches(filter: CallFilter): RawBuilder<boolean> {
  const conditions: RawBuilder<boolean>[] = [];
  if (filter.runId === null) conditions.push(sql`calls.run_id is null`);
  else if (filter.runId !== undefined) conditions.push(sql`calls.run_id = ${filter.runId}`);
  if (filter.goalIndex !== undefined) conditions.push(sql`calls.goal_index = ${filter.goalIndex}`);
  if (filter.attemptKey !== undefined) conditions.push(sql`calls.attempt_key = ${filter.attemptKey}`);
  if (filter.trial !== undefined) conditions.push(sql`calls.trial = ${filter.trial}`);
  return conditions.length === 0 ? sql`1 = 1` : sql`${sql.join(conditions, sql` and `)}`;
}
