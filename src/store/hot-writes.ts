import { sql } from 'kysely';
import type { SelectQueryBuilder } from 'kysely';
import { OUTCOME_KINDS, maySupersede } from '../core/index.ts';
import { compileHot, slot, slots } from './hot-query.ts';
import type { HotQuery } from './hot-query.ts';
import { IN_FLIGHT, INTENT_COLUMNS, SETTLEMENT_COLUMNS } from './rows/call-row.ts';
import type { IntentRow, SettlementRow } from './rows/call-row.ts';
import { FORK_COLUMNS } from './rows/fork-row.ts';
import type { AnswersTable, AttemptsTable, Database, Db, EntriesTable, EventsTable, ForksTable, GoalsTable, OutcomeColumns, RunsTable, ScoresTable, StepsTable } from './schema.ts';

/** Outcomes that another one may follow. */
const SUPERSEDABLE = OUTCOME_KINDS.filter(maySupersede);

/** Every statement that writes, compiled once per open store. */
export interface HotWrites {
  readonly insertRun: HotQuery;
  /** Compiled once for each set of columns that is updated. */
  updateRun(patch: Partial<RunsTable>): HotQuery;
  readonly insertGoal: HotQuery;
  readonly startGoal: HotQuery;
  /** Adds to the history where the goal is open or its outcome may be superseded, and not the same outcome twice. */
  readonly acceptOutcome: HotQuery;
  readonly setOutcome: HotQuery;
  /** Overwrites an attempt that ended in error, unless it is the same one again. */
  readonly replaceAttempt: HotQuery;
  readonly forgetScores: HotQuery;
  readonly insertAttempt: HotQuery;
  readonly openCall: HotQuery;
  readonly settleCall: HotQuery;
  /** A call that has ended, all of it at once; settles it where it is there and in flight. */
  readonly enterCall: HotQuery;
  readonly markLost: HotQuery;
  /** Marks what one process has in flight. */
  readonly markLostOf: HotQuery;
  /** Keeps the earliest. */
  readonly addFork: HotQuery;
  readonly putAnswer: HotQuery;
  readonly insertStep: HotQuery;
  readonly insertEntry: HotQuery;
  readonly putScore: HotQuery;
  readonly insertEvent: HotQuery;
  /** Ends a running run that no live lease protects. */
  readonly interruptOrphan: HotQuery;
}

export function compileWrites(db: Db): HotWrites {
  const updates = new Map<string, HotQuery>();
  return {
    ...runWrites(db),
    ...goalWrites(db),
    ...attemptWrites(db),
    ...callWrites(db),
    ...journalWrites(db),
    updateRun(patch) {
      const columns = (Object.keys(patch) as (keyof RunsTable)[]).toSorted();
      const name = columns.join();
      const known = updates.get(name) ?? compileHot(db.updateTable('runs').set(slots<Partial<RunsTable>>(columns)).where('id', '=', slot<string>('id')));
      updates.set(name, known);
      return known;
    },
  };
}

function runWrites(db: Db): Pick<HotWrites, 'insertRun' | 'interruptOrphan'> {
  const row = slots<RunsTable>([
    'id',
    'status',
    'reason',
    'name',
    'suites',
    'targets',
    'config',
    'seed',
    'engagement',
    'simulated',
    'planned',
    'resumes',
    'created_at',
    'started_at',
    'ended_at',
  ]);
  const liveLease = db.selectFrom('leases').select('leases.run_id').where('leases.run_id', '=', slot<string>('run_id')).where('leases.expires_at', '>', slot<number>('at'));
  return {
    insertRun: compileHot(db.insertInto('runs').values(row).onConflict((conflict) => conflict.column('id').doNothing())),
    interruptOrphan: compileHot(
      db
        .updateTable('runs')
        .set({ status: 'interrupted', reason: slot<string>('reason'), ended_at: slot<number>('at') })
        .where('id', '=', slot<string>('id'))
        .where('status', '=', 'running')
        .where((where) => where.not(where.exists(liveLease))),
    ),
  };
}

const OUTCOME_COLUMNS = ['outcome', 'outcome_blocked', 'outcome_source', 'outcome_code', 'outcome_reason'] as const satisfies readonly (keyof OutcomeColumns)[];

function goalWrites(db: Db): Pick<HotWrites, 'insertGoal' | 'startGoal' | 'acceptOutcome' | 'setOutcome'> {
  const plan = slots<Omit<GoalsTable, keyof OutcomeColumns | 'started_at' | 'ended_at'>>([
    'run_id',
    'goal_index',
    'key',
    'suite',
    'plugin',
    'target',
    'text',
    'item',
    'variant',
    'lane',
    'repeat',
    'tags',
    'data',
  ]);
  const history = ['run_id', 'goal_index', 'at', 'digest', ...OUTCOME_COLUMNS] as const;
  const undecided = db
    .selectFrom('goals')
    .where('run_id', '=', slot<string>('run_id'))
    .where('goal_index', '=', slot<number>('goal_index'))
    .where((where) => where.or([where('outcome', 'is', null), where('outcome', 'in', SUPERSEDABLE)]));
  return {
    insertGoal: compileHot(db.insertInto('goals').values(plan).onConflict((conflict) => conflict.columns(['run_id', 'goal_index']).doNothing())),
    startGoal: compileHot(
      db
        .updateTable('goals')
        .set({ started_at: slot<number>('started_at') })
        .where('run_id', '=', slot<string>('run_id'))
        .where('goal_index', '=', slot<number>('goal_index'))
        .where((where) => where.or([where('outcome', 'is', null), where('outcome', 'in', SUPERSEDABLE)])),
    ),
    acceptOutcome: compileHot(
      db
        .insertInto('outcomes')
        .columns([...history])
        .expression(selectSlots(undecided, history))
        .onConflict((conflict) => conflict.columns(['run_id', 'goal_index', 'at', 'digest']).doNothing()),
    ),
    setOutcome: compileHot(
      db
        .updateTable('goals')
        .set({ ...slots<OutcomeColumns>(OUTCOME_COLUMNS), ended_at: slot<number>('at') })
        .where('run_id', '=', slot<string>('run_id'))
        .where('goal_index', '=', slot<number>('goal_index')),
    ),
  };
}

/** Selects bound values where the query finds a row: an insert on a condition, in SQL that every dialect has. */
function selectSlots(query: SelectQueryBuilder<Database, 'goals', object>, names: readonly string[]): SelectQueryBuilder<Database, 'goals', object> {
  return query.select((select) => names.map((name) => select.val(slot<string>(name)).as(name)));
}

function attemptWrites(db: Db): Pick<HotWrites, 'replaceAttempt' | 'forgetScores' | 'insertAttempt'> {
  const identity = ['run_id', 'goal_index', 'key'] as const;
  const rest = ['seq', 'status', 'conversation', 'outputs', 'notes', 'error_source', 'error_code', 'error_message', 'started_at', 'ended_at'] as const;
  return {
    replaceAttempt: compileHot(
      db
        .updateTable('attempts')
        .set(slots<Omit<AttemptsTable, (typeof identity)[number]>>(rest))
        .where('run_id', '=', slot<string>('run_id'))
        .where('goal_index', '=', slot<number>('goal_index'))
        .where('key', '=', slot<string>('key'))
        .where('status', '=', 'error')
        .where((where) =>
          where.or([
            where('status', '<>', slot<string>('status')),
            where('started_at', '<>', slot<number>('started_at')),
            where('ended_at', '<>', slot<number>('ended_at')),
          ]),
        ),
    ),
    forgetScores: compileHot(
      db
        .deleteFrom('scores')
        .where('run_id', '=', slot<string>('run_id'))
        .where('goal_index', '=', slot<number>('goal_index'))
        .where('attempt_key', '=', slot<string>('key')),
    ),
    insertAttempt: compileHot(
      db
        .insertInto('attempts')
        .values(slots<AttemptsTable>([...identity, ...rest]))
        .onConflict((conflict) => conflict.columns([...identity]).doNothing()),
    ),
  };
}

function callWrites(db: Db): Pick<HotWrites, 'openCall' | 'settleCall' | 'enterCall' | 'markLost' | 'markLostOf' | 'addFork' | 'putAnswer'> {
  const intent = slots<IntentRow>([...INTENT_COLUMNS]);
  const settlement = slots<Omit<SettlementRow, 'id'>>([...SETTLEMENT_COLUMNS]);
  // The status is written into the statement: a planner uses a partial index only where it sees its condition.
  const lost = db
    .updateTable('calls')
    .set({ status: 'lost', usage_source: 'unknown', error: slot<string>('error'), holder: null })
    .where('status', '=', sql.lit(IN_FLIGHT));
  const whole = slots<Omit<IntentRow & SettlementRow, 'holder'>>([...INTENT_COLUMNS.filter((column) => column !== 'holder' && column !== 'status'), ...SETTLEMENT_COLUMNS]);
  const fork = ['run_id', 'trial', 'goal_index', 'branch'] as const;
  const answer = ['run_id', 'key', 'occurrence'] as const;
  return {
    openCall: compileHot(db.insertInto('calls').values(intent).onConflict((conflict) => conflict.column('id').doNothing())),
    // Who made a call matters only while it is in flight, and is long.
    settleCall: compileHot(db.updateTable('calls').set({ ...settlement, holder: null }).where('id', '=', slot<string>('id')).where('status', '=', IN_FLIGHT)),
    enterCall: compileHot(
      db
        .insertInto('calls')
        .values(whole)
        .onConflict((conflict) =>
          conflict
            .column('id')
            .doUpdateSet((set) => ({ ...Object.fromEntries(SETTLEMENT_COLUMNS.map((column) => [column, set.ref(`excluded.${column}`)])), holder: null }))
            .where('calls.status', '=', sql.lit(IN_FLIGHT)),
        ),
    ),
    markLost: compileHot(lost.where('run_id', '=', slot<string>('run_id'))),
    markLostOf: compileHot(lost.where('holder', '=', slot<string>('holder'))),
    addFork: compileHot(
      db
        .insertInto('forks')
        .values(slots<ForksTable>([...FORK_COLUMNS]))
        .onConflict((conflict) =>
          conflict
            .columns([...fork])
            .doUpdateSet((set) => ({ id: set.ref('excluded.id') }))
            .whereRef('excluded.id', '<', 'forks.id'),
        ),
    ),
    putAnswer: compileHot(
      db
        .insertInto('answers')
        .values(slots<AnswersTable>([...answer, 'call_id', 'http_status', 'at', 'headers', 'body']))
        .onConflict((conflict) => conflict.columns([...answer]).doNothing()),
    ),
  };
}

function journalWrites(db: Db): Pick<HotWrites, 'insertStep' | 'insertEntry' | 'putScore' | 'insertEvent'> {
  const goalKey = ['run_id', 'goal_index', 'key'] as const;
  return {
    insertStep: compileHot(
      db
        .insertInto('steps')
        .values(slots<StepsTable>([...goalKey, 'name', 'value', 'started_at', 'ended_at']))
        .onConflict((conflict) => conflict.columns([...goalKey]).doNothing()),
    ),
    insertEntry: compileHot(
      db
        .insertInto('entries')
        .values(slots<Omit<EntriesTable, 'seq'>>([...goalKey, 'type', 'at', 'data']))
        .onConflict((conflict) => conflict.columns([...goalKey]).doNothing()),
    ),
    putScore: compileHot(
      db
        .insertInto('scores')
        .values(slots<ScoresTable>(['run_id', 'goal_index', 'attempt_key', 'output_index', 'grader', 'value', 'threshold', 'reason']))
        .onConflict((conflict) =>
          conflict.columns(['run_id', 'goal_index', 'attempt_key', 'output_index', 'grader']).doUpdateSet((set) => ({
            value: set.ref('excluded.value'),
            threshold: set.ref('excluded.threshold'),
            reason: set.ref('excluded.reason'),
          })),
        ),
    ),
    insertEvent: compileHot(
      db
        .insertInto('events')
        .values(slots<Omit<EventsTable, 'seq'>>(['run_id', 'at', 'type', 'data', 'digest']))
        .onConflict((conflict) => conflict.columns(['run_id', 'at', 'type', 'digest']).doNothing()),
    ),
  };
}
