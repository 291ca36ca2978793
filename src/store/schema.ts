import type { Generated, Kysely } from 'kysely';

/*
 * Tables as Kysely sees them. JSON is text, a boolean is 0 or 1. Times are milliseconds since the epoch in double
 * precision, which holds every fraction a clock gives and comes back as a number from every driver.
 */

export interface RunsTable {
  id: string;
  status: string;
  reason: string | null;
  name: string | null;
  suites: string;
  targets: string;
  config: string;
  seed: number;
  engagement: string | null;
  simulated: number;
  planned: number | null;
  resumes: number;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
}

/** The columns an outcome takes, in `goals` (the present one) and in `outcomes` (all that were accepted). */
export interface OutcomeColumns {
  outcome: string | null;
  outcome_blocked: number | null;
  outcome_source: string | null;
  outcome_code: string | null;
  outcome_reason: string | null;
}

export interface GoalsTable extends OutcomeColumns {
  run_id: string;
  goal_index: number;
  key: string;
  suite: string;
  plugin: string;
  target: string;
  text: string;
  item: number;
  variant: string | null;
  lane: string | null;
  repeat: number;
  tags: string;
  data: string;
  started_at: number | null;
  ended_at: number | null;
}

export interface OutcomesTable extends OutcomeColumns {
  /** Order of acceptance. */
  seq: Generated<number>;
  run_id: string;
  goal_index: number;
  at: number;
  /** Hash of the outcome: with `at` it tells a repeated finalize from a new one. */
  digest: string;
}

export interface AttemptsTable {
  run_id: string;
  goal_index: number;
  key: string;
  seq: number;
  status: string;
  conversation: string;
  outputs: string;
  notes: string;
  error_source: string | null;
  error_code: string | null;
  error_message: string | null;
  started_at: number;
  ended_at: number;
}

export interface CallsTable {
  id: string;
  logical_id: string;
  retry: number;
  run_id: string | null;
  goal_index: number | null;
  attempt_key: string | null;
  branch: string | null;
  role: string | null;
  phase: string | null;
  target: string | null;
  deployment: string;
  protocol: string;
  model_asked: string | null;
  stream: number;
  simulated: number;
  queued_at: number;
  sent_at: number;
  waited_ms: number;
  reserved_tokens: number;
  /** `in_flight` until it is settled. */
  status: string;
  http_status: number | null;
  model_answered: string | null;
  input_fresh: number | null;
  cache_read: number | null;
  cache_write: number | null;
  output_text: number | null;
  reasoning: number | null;
  usage_source: string | null;
  cost_usd: number | null;
  first_token_ms: number | null;
  total_ms: number | null;
  finish_reason: string | null;
  request_id: string | null;
  error: string | null;
  usage_raw: string | null;
  trial: string | null;
  via: string | null;
  /** The process that makes the call, while the call is in flight. */
  holder: string | null;
}

/** An absent run or trial is `''`, an absent goal -1, and the trunk of a branch that has none is `''`. */
export interface ForksTable {
  run_id: string;
  goal_index: number;
  trial: string;
  trunk: string;
  branch: string;
  id: string;
}

export interface AnswersTable {
  run_id: string;
  key: string;
  occurrence: number;
  call_id: string;
  http_status: number;
  at: number;
  headers: string;
  body: string;
}

export interface StepsTable {
  run_id: string;
  goal_index: number;
  key: string;
  name: string;
  value: string;
  started_at: number;
  ended_at: number;
}

export interface EntriesTable {
  /** Order of writing, for entries of one instant. */
  seq: Generated<number>;
  run_id: string;
  goal_index: number;
  key: string;
  type: string;
  at: number;
  data: string;
}

export interface ScoresTable {
  run_id: string;
  goal_index: number;
  attempt_key: string;
  output_index: number;
  grader: string;
  value: number | null;
  threshold: number;
  reason: string | null;
}

export interface EventsTable {
  /** Given at commit, in commit order, never used twice. */
  seq: Generated<number>;
  run_id: string;
  at: number;
  type: string;
  data: string;
  /** Hash of the data, for the unique key. */
  digest: string;
}

export interface LeasesTable {
  run_id: string;
  holder_id: string;
  host: string;
  pid: number;
  pid_started_at: string;
  heartbeat_at: number;
  expires_at: number;
}

export interface ValuesTable {
  name: string;
  value: string;
}

export interface Database {
  runs: RunsTable;
  goals: GoalsTable;
  outcomes: OutcomesTable;
  attempts: AttemptsTable;
  calls: CallsTable;
  forks: ForksTable;
  answers: AnswersTable;
  steps: StepsTable;
  entries: EntriesTable;
  scores: ScoresTable;
  events: EventsTable;
  leases: LeasesTable;
  values: ValuesTable;
}

/** SQL dialects the schema can be written in. They differ only in how a serial key is declared. */
export type Dialect = 'sqlite' | 'postgres';

export type Db = Kysely<Database>;

/** Tables whose rows belong to a run, by the column that names it. */
export const RUN_TABLES = ['goals', 'outcomes', 'attempts', 'calls', 'forks', 'answers', 'steps', 'entries', 'scores', 'events', 'leases'] as const;
