import { sql } from 'kysely';
import { UsageError } from '../../core/index.ts';
import type { Run, RunEvent, RunStatus } from '../../core/index.ts';
import { decodeEvent } from '../rows/journal-rows.ts';
import { decodeRun } from '../rows/run-row.ts';
import type { Db } from '../schema.ts';

const DEFAULT_RUNS = 100;

/** How many runs an error about a reference names. */
const CANDIDATES = 8;

export async function getRun(db: Db, id: string): Promise<Run | undefined> {
  const row = await db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : decodeRun(row);
}

export async function listRuns(db: Db, options: { readonly limit?: number; readonly status?: RunStatus }): Promise<Run[]> {
  let query = db
    .selectFrom('runs')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(options.limit ?? DEFAULT_RUNS);
  if (options.status !== undefined) query = query.where('status', '=', options.status);
  return (await query.execute()).map(decodeRun);
}

/**
 * Finds the one run a user means.
 *
 * @throws UsageError `not_found`, with the runs that could have been meant in its hint
 */
export async function findRun(db: Db, reference: string): Promise<Run> {
  const wanted = reference.trim();
  if (wanted === 'last') {
    const [newest] = await listRuns(db, { limit: 1 });
    if (newest === undefined) throw noRuns();
    return newest;
  }
  const exact = await getRun(db, wanted);
  if (exact !== undefined) return exact;
  const matches = wanted === '' ? [] : await matching(db, wanted, CANDIDATES + 1);
  const [only] = matches;
  if (only !== undefined && matches.length === 1) return only;
  if (only !== undefined) {
    const more = matches.length > CANDIDATES ? ', …' : '';
    throw new UsageError({
      code: 'not_found',
      message: `more than one run matches '${wanted}'`,
      hint: `type more of its id: ${names(matches)}${more}`,
    });
  }
  const recent = await listRuns(db, { limit: CANDIDATES });
  if (recent.length === 0) throw noRuns();
  throw new UsageError({ code: 'not_found', message: `no run matches '${wanted}'`, hint: `the newest runs are ${names(recent)}` });
}

export async function readEvents(db: Db, options: { readonly runId?: string; readonly after: number; readonly limit: number }): Promise<RunEvent[]> {
  let query = db.selectFrom('events').selectAll().where('seq', '>', options.after).orderBy('seq').limit(options.limit);
  if (options.runId !== undefined) query = query.where('run_id', '=', options.runId);
  return (await query.execute()).map(decodeEvent);
}

async function matching(db: Db, part: string, limit: number): Promise<Run[]> {
  const pattern = `%${part.toLowerCase().replaceAll(/[\\%_]/g, (special) => `\\${special}`)}%`;
  const rows = await db
    .selectFrom('runs')
    .selectAll()
    .where(sql<boolean>`lower(${sql.ref('id')}) like ${pattern} escape '\\'`)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(decodeRun);
}

function names(runs: readonly Run[]): string {
  return runs
    .slice(0, CANDIDATES)
    .map((run) => run.id)
    .join(', ');
}

function noRuns(): UsageError {
  return new UsageError({ code: 'not_found', message: 'there are no runs in this store', hint: 'start one with `assay run`, or name another store with --db' });
}
