import { sql } from 'kysely';
import type { AliasedRawBuilder, RawBuilder } from 'kysely';
import { CALL_STATUSES, REPLAYED } from '../../core/index.ts';
import type { CallFate } from '../../core/index.ts';
import type { CallSums } from '../contract.ts';
import { IN_FLIGHT } from '../rows/call-row.ts';
import { maybeServed, usage } from './usage-sql.ts';

/** Sums over calls of one status. Drivers may give counts as strings. */
export interface SumRow {
  readonly status: string;
  readonly n: number | string;
  readonly prompt: number | null;
  readonly completion: number | null;
  readonly reasoning: number | null;
  readonly cache_read: number | null;
  readonly cache_write: number | null;
  readonly estimated: number | string;
  readonly known: number | string;
  readonly unpriced: number | string;
  readonly unknown_reserved: number | null;
  readonly simulated: number | string;
  readonly retries: number | string;
  readonly cost: number | null;
  readonly waited: number | null;
}

const sumKnown = (figure: RawBuilder<number>): RawBuilder<number | null> => sql<number | null>`sum(case when ${usage.known} then ${figure} end)`;
const countWhere = (condition: RawBuilder<boolean>): RawBuilder<number | string> => sql<number | string>`count(case when ${condition} then 1 end)`;

type Column<Name extends keyof SumRow> = AliasedRawBuilder<SumRow[Name], Name>;

/** Every sum over a group of rows of `calls` that have one status. */
export const SUM_COLUMNS: readonly { [Name in keyof SumRow]: Column<Name> }[keyof SumRow][] = [
  sql<string>`calls.status`.as('status'),
  sql<number | string>`count(*)`.as('n'),
  sumKnown(usage.prompt).as('prompt'),
  sumKnown(usage.completion).as('completion'),
  sumKnown(sql`calls.reasoning`).as('reasoning'),
  sumKnown(sql`calls.cache_read`).as('cache_read'),
  sumKnown(sql`calls.cache_write`).as('cache_write'),
  countWhere(sql`${usage.known} and calls.usage_source = 'estimated'`).as('estimated'),
  countWhere(usage.known).as('known'),
  countWhere(sql`${usage.known} and calls.cost_usd is null`).as('unpriced'),
  sql<number | null>`sum(case when ${maybeServed} and not ${usage.known} then calls.reserved_tokens end)`.as('unknown_reserved'),
  countWhere(sql`calls.simulated = 1`).as('simulated'),
  countWhere(sql`calls.retry > 0`).as('retries'),
  sql<number | null>`sum(calls.cost_usd)`.as('cost'),
  sql<number | null>`sum(calls.waited_ms)`.as('waited'),
];

/** The columns of `calls` that `SUM_COLUMNS` read. */
export const SUMMED_COLUMNS = [
  'calls.status',
  'calls.input_fresh',
  'calls.cache_read',
  'calls.cache_write',
  'calls.output_text',
  'calls.reasoning',
  'calls.usage_source',
  'calls.cost_usd',
  'calls.reserved_tokens',
  'calls.simulated',
  'calls.retry',
  'calls.waited_ms',
] as const;

/** Sums of one row, as sums over all statuses. Of what was replayed nothing was sent, so it is counted and adds nothing. */
export function sumsOf(row: SumRow): CallSums {
  const n = Number(row.n);
  const status = row.status as CallFate | typeof IN_FLIGHT;
  if (status === REPLAYED) return { ...NO_CALLS, calls: { ...NO_CALLS.calls, replayed: n } };
  return {
    calls: { ...NO_CALLS.calls, [status]: n, total: n },
    prompt_tokens: row.prompt ?? 0,
    completion_tokens: row.completion ?? 0,
    reasoning_tokens: row.reasoning,
    total_tokens: (row.prompt ?? 0) + (row.completion ?? 0),
    cache_read_tokens: row.cache_read ?? 0,
    cache_write_tokens: row.cache_write ?? 0,
    estimated: Number(row.estimated),
    unknown_calls: status === IN_FLIGHT ? 0 : n - Number(row.known),
    unknown_reserved_tokens: row.unknown_reserved ?? 0,
    cost_usd: row.cost ?? 0,
    unpriced: Number(row.unpriced),
    simulated: Number(row.simulated),
    retries: Number(row.retries),
    waited_ms: row.waited ?? 0,
  };
}

const FATES = [...CALL_STATUSES, REPLAYED, IN_FLIGHT, 'total'] as const;

/** Adds two groups; reasoning stays `null` only while it is unknown in both. */
export function addSums(a: CallSums, b: CallSums): CallSums {
  return {
    calls: Object.fromEntries(FATES.map((fate) => [fate, a.calls[fate] + b.calls[fate]])) as CallSums['calls'],
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    completion_tokens: a.completion_tokens + b.completion_tokens,
    reasoning_tokens: a.reasoning_tokens === null ? b.reasoning_tokens : a.reasoning_tokens + (b.reasoning_tokens ?? 0),
    total_tokens: a.total_tokens + b.total_tokens,
    cache_read_tokens: a.cache_read_tokens + b.cache_read_tokens,
    cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
    estimated: a.estimated + b.estimated,
    unknown_calls: a.unknown_calls + b.unknown_calls,
    unknown_reserved_tokens: a.unknown_reserved_tokens + b.unknown_reserved_tokens,
    cost_usd: a.cost_usd + b.cost_usd,
    unpriced: a.unpriced + b.unpriced,
    simulated: a.simulated + b.simulated,
    retries: a.retries + b.retries,
    waited_ms: a.waited_ms + b.waited_ms,
  };
}

export const NO_CALLS: CallSums = {
  calls: Object.fromEntries(FATES.map((fate) => [fate, 0])) as CallSums['calls'],
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
  simulated: 0,
  retries: 0,
  waited_ms: 0,
};
