import { sql } from 'kysely';
import type { Score } from '../../core/index.ts';
import type { ScoreSums } from '../contract.ts';
import { decodeScore } from '../rows/journal-rows.ts';
import type { Db } from '../schema.ts';

export async function readScores(db: Db, runId: string, goalIndex: number): Promise<Score[]> {
  const rows = await db
    .selectFrom('scores')
    .selectAll()
    .where('run_id', '=', runId)
    .where('goal_index', '=', goalIndex)
    .orderBy('attempt_key')
    .orderBy('output_index')
    .orderBy('grader')
    .execute();
  return rows.map(decodeScore);
}

const isHit = sql<boolean>`${sql.ref('scores.value')} >= ${sql.ref('scores.threshold')}`;

export async function sumScores(db: Db, runId: string): Promise<ScoreSums[]> {
  const rows = await db
    .selectFrom('scores')
    .innerJoin('goals', (join) => join.onRef('goals.run_id', '=', 'scores.run_id').onRef('goals.goal_index', '=', 'scores.goal_index'))
    .select(({ fn }) => [
      'goals.plugin',
      'goals.target',
      'scores.grader',
      fn.countAll<number | string>().as('total'),
      fn.count<number | string>('scores.value').as('scored'),
      sql<number | string>`count(case when ${isHit} then 1 end)`.as('hits'),
    ])
    .where('scores.run_id', '=', runId)
    .groupBy(['goals.plugin', 'goals.target', 'scores.grader'])
    .orderBy('goals.plugin')
    .orderBy('goals.target')
    .orderBy('scores.grader')
    .execute();
  return rows.map((row) => ({
    plugin: row.plugin,
    target: row.target,
    grader: row.grader,
    total: Number(row.total),
    scored: Number(row.scored),
    hits: Number(row.hits),
  }));
}

export interface WorstScores {
  readonly plugin: string;
  readonly target: string;
  readonly grader: string;
  readonly limit: number;
}

export async function worstScores(db: Db, runId: string, options: WorstScores): Promise<Score[]> {
  const rows = await db
    .selectFrom('scores')
    .innerJoin('goals', (join) => join.onRef('goals.run_id', '=', 'scores.run_id').onRef('goals.goal_index', '=', 'scores.goal_index'))
    .selectAll('scores')
    .where('scores.run_id', '=', runId)
    .where('scores.grader', '=', options.grader)
    .where('goals.plugin', '=', options.plugin)
    .where('goals.target', '=', options.target)
    .where(isHit)
    .orderBy('scores.value', 'desc')
    .orderBy('scores.goal_index')
    .orderBy('scores.attempt_key')
    .orderBy('scores.output_index')
    .limit(options.limit)
    .execute();
  return rows.map(decodeScore);
}
