import type { Attempt, Goal, Outcome, StepRecord, TranscriptEntry } from '../../core/index.ts';
import type { GoalCounts } from '../contract.ts';
import { decodeAttempt } from '../rows/attempt-row.ts';
import { decodeGoal } from '../rows/goal-row.ts';
import { decodeEntry, decodeStep } from '../rows/journal-rows.ts';
import { decodeOutcome } from '../rows/outcome-row.ts';
import type { Db } from '../schema.ts';

/** The name of goals without an outcome. */
const OPEN = 'open';

export interface GoalPage {
  readonly from: number;
  readonly limit: number;
  readonly outcomes?: readonly string[];
  readonly plugin?: string;
}

export async function readGoals(db: Db, runId: string, page: GoalPage): Promise<Goal[]> {
  let query = db.selectFrom('goals').selectAll().where('run_id', '=', runId).where('goal_index', '>=', page.from).orderBy('goal_index').limit(page.limit);
  const { outcomes, plugin } = page;
  if (outcomes !== undefined) {
    const kinds = outcomes.filter((kind) => kind !== OPEN);
    query = query.where((where) => where.or([...(kinds.length > 0 ? [where('outcome', 'in', kinds)] : []), ...(kinds.length < outcomes.length ? [where('outcome', 'is', null)] : [])]));
  }
  if (plugin !== undefined) query = query.where('plugin', '=', plugin);
  return (await query.execute()).map(decodeGoal);
}

export async function readGoal(db: Db, runId: string, index: number): Promise<Goal | undefined> {
  const row = await db.selectFrom('goals').selectAll().where('run_id', '=', runId).where('goal_index', '=', index).executeTakeFirst();
  return row === undefined ? undefined : decodeGoal(row);
}

export async function readGoalHistory(db: Db, runId: string, index: number): Promise<{ outcome: Outcome; at: number }[]> {
  const rows = await db.selectFrom('outcomes').selectAll().where('run_id', '=', runId).where('goal_index', '=', index).orderBy('seq').execute();
  return rows.flatMap((row) => {
    const outcome = decodeOutcome(row);
    return outcome === null ? [] : [{ outcome, at: row.at }];
  });
}

export async function countGoals(db: Db, runId: string): Promise<GoalCounts> {
  const rows = await db
    .selectFrom('goals')
    .select(({ fn }) => ['outcome', 'outcome_blocked', fn.countAll<number | string>().as('n')])
    .where('run_id', '=', runId)
    .groupBy(['outcome', 'outcome_blocked'])
    .execute();
  const byOutcome: Record<string, number> = {};
  let planned = 0;
  for (const row of rows) {
    const n = Number(row.n);
    const kind = row.outcome ?? OPEN;
    planned += n;
    byOutcome[kind] = (byOutcome[kind] ?? 0) + n;
    if (row.outcome_blocked === 1) byOutcome['blocked'] = (byOutcome['blocked'] ?? 0) + n;
  }
  return { planned, byOutcome };
}

export async function readAttempts(db: Db, runId: string, goalIndex: number): Promise<Attempt[]> {
  const rows = await db.selectFrom('attempts').selectAll().where('run_id', '=', runId).where('goal_index', '=', goalIndex).orderBy('seq').orderBy('key').execute();
  return rows.map(decodeAttempt);
}

export async function countAttempts(db: Db, runId: string): Promise<{ finished: number; errors: number }> {
  const rows = await db
    .selectFrom('attempts')
    .select(({ fn }) => ['status', fn.countAll<number | string>().as('n')])
    .where('run_id', '=', runId)
    .groupBy('status')
    .execute();
  const count = (status: string): number => Number(rows.find((row) => row.status === status)?.n ?? 0);
  return { finished: count('finished'), errors: count('error') };
}

export async function readSteps(db: Db, runId: string, goalIndex: number): Promise<StepRecord[]> {
  const rows = await db
    .selectFrom('steps')
    .selectAll()
    .where('run_id', '=', runId)
    .where('goal_index', '=', goalIndex)
    .orderBy('started_at')
    .orderBy('ended_at')
    .orderBy('key')
    .execute();
  return rows.map(decodeStep);
}

export async function readTranscript(db: Db, runId: string, goalIndex: number): Promise<TranscriptEntry[]> {
  const rows = await db.selectFrom('entries').selectAll().where('run_id', '=', runId).where('goal_index', '=', goalIndex).orderBy('at').orderBy('seq').execute();
  return rows.map(decodeEntry);
}
