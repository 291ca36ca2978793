import type { AnswerKey, StoredAnswer } from '../contract.ts';
import { decodeAnswer } from '../rows/answer-row.ts';
import type { Db } from '../schema.ts';

export async function answerCounts(db: Db, runId: string): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('answers')
    .select(({ fn }) => ['key', fn.countAll<number | string>().as('n')])
    .where('run_id', '=', runId)
    .groupBy('key')
    .execute();
  return new Map(rows.map(({ key, n }) => [key, Number(n)]));
}

export async function readAnswer(db: Db, { runId, key, occurrence }: AnswerKey): Promise<StoredAnswer | undefined> {
  const row = await db.selectFrom('answers').selectAll().where('run_id', '=', runId).where('key', '=', key).where('occurrence', '=', occurrence).executeTakeFirst();
  return row === undefined ? undefined : decodeAnswer(row);
}
