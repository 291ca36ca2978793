import { sql } from 'kysely';
import type { CreateTableBuilder, Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Dialect } from '../schema.ts';

/** Runs, what belongs to them, and values by name. */
export function initial(dialect: Dialect): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const table of tables(db, dialect)) await table.execute();
      for (const index of indices(db)) await index.execute();
    },
  };
}

function tables(db: Kysely<unknown>, dialect: Dialect): readonly { execute(): Promise<void> }[] {
  const create = (name: string): CreateTableBuilder<string, string> => db.schema.createTable(name);
  const ofGoal = (name: string): CreateTableBuilder<string, string> =>
    create(name)
      .addColumn('run_id', 'text', (column) => column.notNull())
      .addColumn('goal_index', 'integer', (column) => column.notNull());
  return [
    create('runs')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('reason', 'text')
      .addColumn('name', 'text')
      .addColumn('suites', 'text', (column) => column.notNull())
      .addColumn('targets', 'text', (column) => column.notNull())
      .addColumn('config', 'text', (column) => column.notNull())
      .addColumn('seed', 'double precision', (column) => column.notNull())
      .addColumn('engagement', 'text')
      .addColumn('simulated', 'integer', (column) => column.notNull())
      .addColumn('planned', 'integer')
      .addColumn('resumes', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'double precision', (column) => column.notNull())
      .addColumn('started_at', 'double precision')
      .addColumn('ended_at', 'double precision'),
    withOutcome(ofGoal('goals'))
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('suite', 'text', (column) => column.notNull())
      .addColumn('plugin', 'text', (column) => column.notNull())
      .addColumn('target', 'text', (column) => column.notNull())
      .addColumn('text', 'text', (column) => column.notNull())
      .addColumn('item', 'integer', (column) => column.notNull())
      .addColumn('variant', 'text')
      .addColumn('lane', 'text')
      .addColumn('repeat', 'integer', (column) => column.notNull())
      .addColumn('tags', 'text', (column) => column.notNull())
      .addColumn('started_at', 'double precision')
      .addColumn('ended_at', 'double precision')
      .addColumn('data', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('goals_pk', ['run_id', 'goal_index']),
    withOutcome(withSerial(dialect, 'outcomes', ofGoal))
      .addColumn('at', 'double precision', (column) => column.notNull())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addUniqueConstraint('outcomes_once', ['run_id', 'goal_index', 'at', 'digest']),
    ofGoal('attempts')
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('seq', 'integer', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('error_source', 'text')
      .addColumn('error_code', 'text')
      .addColumn('error_message', 'text')
      .addColumn('started_at', 'double precision', (column) => column.notNull())
      .addColumn('ended_at', 'double precision', (column) => column.notNull())
      .addColumn('notes', 'text', (column) => column.notNull())
      .addColumn('conversation', 'text', (column) => column.notNull())
      .addColumn('outputs', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('attempts_pk', ['run_id', 'goal_index', 'key']),
    callsTable(create('calls')),
    ofGoal('steps')
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('started_at', 'double precision', (column) => column.notNull())
      .addColumn('ended_at', 'double precision', (column) => column.notNull())
      .addPrimaryKeyConstraint('steps_pk', ['run_id', 'goal_index', 'key']),
    withSerial(dialect, 'entries', ofGoal)
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('at', 'double precision', (column) => column.notNull())
      .addColumn('data', 'text', (column) => column.notNull())
      .addUniqueConstraint('entries_once', ['run_id', 'goal_index', 'key']),
    ofGoal('scores')
      .addColumn('attempt_key', 'text', (column) => column.notNull())
      .addColumn('output_index', 'integer', (column) => column.notNull())
      .addColumn('grader', 'text', (column) => column.notNull())
      .addColumn('value', 'double precision')
      .addColumn('threshold', 'double precision', (column) => column.notNull())
      .addColumn('reason', 'text')
      .addPrimaryKeyConstraint('scores_pk', ['run_id', 'goal_index', 'attempt_key', 'output_index', 'grader']),
    // A purge must not make `seq` start over: a live view would take new events for ones it has seen.
    withSerial(dialect, 'events', create, { neverReused: true })
      .addColumn('run_id', 'text', (column) => column.notNull())
      .addColumn('at', 'double precision', (column) => column.notNull())
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('data', 'text', (column) => column.notNull())
      .addUniqueConstraint('events_once', ['run_id', 'at', 'type', 'digest']),
    create('leases')
      .addColumn('run_id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('holder_id', 'text', (column) => column.notNull())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('pid', 'integer', (column) => column.notNull())
      .addColumn('pid_started_at', 'text', (column) => column.notNull())
      .addColumn('heartbeat_at', 'double precision', (column) => column.notNull())
      .addColumn('expires_at', 'double precision', (column) => column.notNull()),
    create('values')
      .addColumn('name', 'text', (column) => column.primaryKey().notNull())
      .addColumn('value', 'text', (column) => column.notNull()),
  ];
}

/** What is long and read seldom comes last, so that sums over calls do not page through it. */
function callsTable(table: CreateTableBuilder<string, string>): CreateTableBuilder<string, string> {
  return table
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('logical_id', 'text', (column) => column.notNull())
    .addColumn('retry', 'integer', (column) => column.notNull())
    .addColumn('run_id', 'text')
    .addColumn('goal_index', 'integer')
    .addColumn('attempt_key', 'text')
    .addColumn('branch', 'text')
    .addColumn('role', 'text')
    .addColumn('phase', 'text')
    .addColumn('target', 'text')
    .addColumn('deployment', 'text', (column) => column.notNull())
    .addColumn('protocol', 'text', (column) => column.notNull())
    .addColumn('model_asked', 'text')
    .addColumn('stream', 'integer', (column) => column.notNull())
    .addColumn('simulated', 'integer', (column) => column.notNull())
    .addColumn('queued_at', 'double precision', (column) => column.notNull())
    .addColumn('sent_at', 'double precision', (column) => column.notNull())
    .addColumn('waited_ms', 'double precision', (column) => column.notNull())
    .addColumn('reserved_tokens', 'double precision', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('http_status', 'integer')
    .addColumn('model_answered', 'text')
    .addColumn('input_fresh', 'double precision')
    .addColumn('cache_read', 'double precision')
    .addColumn('cache_write', 'double precision')
    .addColumn('output_text', 'double precision')
    .addColumn('reasoning', 'double precision')
    .addColumn('usage_source', 'text')
    .addColumn('cost_usd', 'double precision')
    .addColumn('first_token_ms', 'double precision')
    .addColumn('total_ms', 'double precision')
    .addColumn('finish_reason', 'text')
    .addColumn('request_id', 'text')
    .addColumn('error', 'text')
    .addColumn('usage_raw', 'text');
}

function withOutcome(table: CreateTableBuilder<string, string>): CreateTableBuilder<string, string> {
  return table
    .addColumn('outcome', 'text')
    .addColumn('outcome_blocked', 'integer')
    .addColumn('outcome_source', 'text')
    .addColumn('outcome_code', 'text')
    .addColumn('outcome_reason', 'text');
}

/** A table whose key `seq` the database gives, rising with each row. */
function withSerial(
  dialect: Dialect,
  name: string,
  create: (name: string) => CreateTableBuilder<string, string>,
  options: { readonly neverReused?: boolean } = {},
): CreateTableBuilder<string, string> {
  const table = create(name);
  if (dialect === 'postgres') return table.addColumn('seq', 'bigserial', (column) => column.primaryKey());
  return table.addColumn('seq', 'integer', (column) => {
    const key = column.primaryKey();
    return options.neverReused === true ? key.autoIncrement() : key;
  });
}

function indices(db: Kysely<unknown>): readonly { execute(): Promise<void> }[] {
  return [
    db.schema.createIndex('runs_by_time').on('runs').columns(['created_at', 'id']),
    db.schema.createIndex('goals_by_outcome').on('goals').columns(['run_id', 'outcome', 'outcome_blocked']),
    db.schema.createIndex('attempts_by_status').on('attempts').columns(['run_id', 'status']),
    db.schema.createIndex('calls_by_run').on('calls').columns(['run_id', 'id']),
    db.schema.createIndex('calls_by_goal').on('calls').columns(['run_id', 'goal_index', 'id']),
    db.schema.createIndex('calls_by_deployment').on('calls').columns(['deployment', 'sent_at']),
    // Holds only what is in flight, so finding what a dead process left is quick however long the ledger is.
    db.schema.createIndex('calls_in_flight').on('calls').column('run_id').where(sql.ref('status'), '=', sql.lit('in_flight')),
    db.schema.createIndex('events_by_run').on('events').columns(['run_id', 'seq']),
  ];
}
