import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Calls that others make: trials, where branches forked, answers kept for replay, and the process behind a call in flight. */
export function hiddenCalls(): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const column of ['trial', 'via', 'holder']) await db.schema.alterTable('calls').addColumn(column, 'text').execute();
      // Calls without a trial, which are most, cost nothing here.
      await db.schema.createIndex('calls_by_trial').on('calls').columns(['run_id', 'trial', 'id']).where(sql.ref('trial'), 'is not', null).execute();
      // An absent part is '' or -1: a unique key would not take two nulls for the same.
      await db.schema
        .createTable('forks')
        .addColumn('run_id', 'text', (column) => column.notNull())
        .addColumn('trial', 'text', (column) => column.notNull())
        .addColumn('goal_index', 'integer', (column) => column.notNull())
        .addColumn('trunk', 'text', (column) => column.notNull())
        .addColumn('branch', 'text', (column) => column.notNull())
        .addColumn('id', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('forks_pk', ['run_id', 'trial', 'goal_index', 'branch'])
        .execute();
      // By goal here, by trial in the key: forks are looked for by either alone.
      await db.schema.createIndex('forks_by_trunk').on('forks').columns(['run_id', 'goal_index', 'trial', 'trunk', 'id']).execute();
      await db.schema
        .createTable('answers')
        .addColumn('run_id', 'text', (column) => column.notNull())
        .addColumn('key', 'text', (column) => column.notNull())
        .addColumn('occurrence', 'integer', (column) => column.notNull())
        .addColumn('call_id', 'text', (column) => column.notNull())
        .addColumn('http_status', 'integer', (column) => column.notNull())
        .addColumn('at', 'double precision', (column) => column.notNull())
        .addColumn('headers', 'text', (column) => column.notNull())
        .addColumn('body', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('answers_pk', ['run_id', 'key', 'occurrence'])
        .execute();
    },
  };
}
