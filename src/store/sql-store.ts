import type { Attempt, CallRecord, Goal, JsonObject, Lease, LeaseHolder, Outcome, Run, RunEvent, RunStatus, Score, StepRecord, TranscriptEntry } from '../core/index.ts';
import type { Backend } from './backend.ts';
import type { AnswerKey, BranchSums, CallFilter, CallGrouping, CallSums, GoalCounts, PurgeOptions, ScoreSums, Store, StoredAnswer, WriteOp } from './contract.ts';
import { decodeLease, leaseSteps } from './leases.ts';
import type { LeaseSteps } from './leases.ts';
import { thisProcess } from './process-identity.ts';
import { answerCounts, readAnswer } from './reads/answer-reads.ts';
import { sumBranches } from './reads/branch-sums.ts';
import { callsSince, holdersInFlight, readCalls, tokensSince } from './reads/call-reads.ts';
import { sumCalls } from './reads/call-sums.ts';
import { countAttempts, countGoals, readAttempts, readGoal, readGoalHistory, readGoals, readSteps, readTranscript } from './reads/goal-reads.ts';
import type { GoalPage } from './reads/goal-reads.ts';
import { findRun, getRun, listRuns, readEvents } from './reads/run-reads.ts';
import { readScores, sumScores, worstScores } from './reads/score-reads.ts';
import type { WorstScores } from './reads/score-reads.ts';
import type { Redactor } from './redaction.ts';
import { encodeHolder } from './rows/holder-text.ts';
import { contentJson } from './rows/text.ts';
import type { Db } from './schema.ts';
import { StoreError } from './store-error.ts';
import { WriteQueue } from './write-queue.ts';
import type { QueueBounds } from './write-queue.ts';
import { writeSteps } from './write-steps.ts';
import type { WriteSteps } from './write-steps.ts';

/** The store over any SQL backend: writes through one queue, reads as portable queries. */
export class SqlStore implements Store {
  readonly location: string;
  readonly sharedStatePath: string | undefined;
  readonly #backend: Backend;
  readonly #redact: Redactor;
  readonly #queue: WriteQueue;
  readonly #steps: WriteSteps;
  readonly #leases: LeaseSteps;
  /** This process as rows name it; asked for only once a call is opened. */
  #holder: string | undefined;
  #closing: Promise<void> | undefined;

  constructor(backend: Backend, redact: Redactor, bounds?: QueueBounds) {
    this.location = backend.location;
    this.sharedStatePath = backend.sharedStatePath;
    this.#backend = backend;
    this.#redact = redact;
    this.#queue = new WriteQueue(backend, bounds);
    this.#steps = writeSteps(backend.db, redact, () => (this.#holder ??= encodeHolder(thisProcess())));
    this.#leases = leaseSteps(backend.db);
  }

  async write(...ops: readonly WriteOp[]): Promise<void> {
    if (ops.length > 0) await this.#queue.submit(() => ops.map((op) => this.#steps.ofOp(op)));
  }

  getRun(id: string): Promise<Run | undefined> {
    return this.#read((db) => getRun(db, id));
  }

  findRun(reference: string): Promise<Run> {
    return this.#read((db) => findRun(db, reference));
  }

  listRuns(options: { readonly limit?: number; readonly status?: RunStatus } = {}): Promise<Run[]> {
    return this.#read((db) => listRuns(db, options));
  }

  goals(runId: string, options: GoalPage): Promise<Goal[]> {
    return this.#read((db) => readGoals(db, runId, { ...options, ...(options.plugin === undefined ? {} : { plugin: this.#redact.content(options.plugin) }) }));
  }

  goal(runId: string, index: number): Promise<Goal | undefined> {
    return this.#read((db) => readGoal(db, runId, index));
  }

  goalHistory(runId: string, index: number): Promise<{ readonly outcome: Outcome; readonly at: number }[]> {
    return this.#read((db) => readGoalHistory(db, runId, index));
  }

  countGoals(runId: string): Promise<GoalCounts> {
    return this.#read((db) => countGoals(db, runId));
  }

  attempts(runId: string, goalIndex: number): Promise<Attempt[]> {
    return this.#read((db) => readAttempts(db, runId, goalIndex));
  }

  countAttempts(runId: string): Promise<{ readonly finished: number; readonly errors: number }> {
    return this.#read((db) => countAttempts(db, runId));
  }

  steps(runId: string, goalIndex: number): Promise<StepRecord[]> {
    return this.#read((db) => readSteps(db, runId, goalIndex));
  }

  transcript(runId: string, goalIndex: number): Promise<TranscriptEntry[]> {
    return this.#read((db) => readTranscript(db, runId, goalIndex));
  }

  scores(runId: string, goalIndex: number): Promise<Score[]> {
    return this.#read((db) => readScores(db, runId, goalIndex));
  }

  sumScores(runId: string): Promise<ScoreSums[]> {
    return this.#read((db) => sumScores(db, runId));
  }

  worstScores(runId: string, options: WorstScores): Promise<Score[]> {
    const stored = (text: string): string => this.#redact.content(text);
    const asStored = { ...options, plugin: stored(options.plugin), target: stored(options.target), grader: stored(options.grader) };
    return this.#read((db) => worstScores(db, runId, asStored));
  }

  calls(filter: CallFilter, options: { readonly limit?: number; readonly after?: string } = {}): Promise<CallRecord[]> {
    return this.#read((db) => readCalls(db, this.#asStored(filter), options));
  }

  sumCalls(filter: CallFilter, by: CallGrouping): Promise<Map<string, CallSums>> {
    return this.#read((db) => sumCalls(db, this.#asStored(filter), by));
  }

  sumBranches(filter: CallFilter): Promise<BranchSums[]> {
    return this.#read((db) => sumBranches(db, this.#asStored(filter)));
  }

  answerCounts(runId: string): Promise<Map<string, number>> {
    return this.#read((db) => answerCounts(db, runId));
  }

  answer(key: AnswerKey): Promise<StoredAnswer | undefined> {
    return this.#read((db) => readAnswer(db, key));
  }

  async markLostOfDead(isAlive: (holder: LeaseHolder) => boolean, at: number): Promise<number> {
    let marked = 0;
    for (const holder of await this.#read(holdersInFlight)) {
      if (!isAlive(holder)) marked += await this.#queue.submit(() => [this.#steps.markLostOf(holder.id, at)]);
    }
    return marked;
  }

  flushNow(): boolean {
    return this.#queue.flushNow();
  }

  markLost(runId: string, at: number): Promise<number> {
    return this.#queue.submit(() => [this.#steps.markLost(runId, at)]);
  }

  async interruptOrphan(runId: string, at: number, reason: string): Promise<boolean> {
    return (await this.#queue.submit(() => [this.#steps.interruptOrphan(runId, at, reason)])) > 0;
  }

  callsSince(deployment: string, since: number): Promise<{ readonly at: number; readonly tokens: number }[]> {
    return this.#read((db) => callsSince(db, this.#redact.content(deployment), since));
  }

  tokensSince(deployment: string, since: number): Promise<number> {
    return this.#read((db) => tokensSince(db, this.#redact.content(deployment), since));
  }

  events(options: { readonly runId?: string; readonly after: number; readonly limit: number }): Promise<RunEvent[]> {
    return this.#read((db) => readEvents(db, options));
  }

  async acquireLease(runId: string, holder: LeaseHolder, now: number, ttlMs: number): Promise<Lease> {
    for (;;) {
      await this.#queue.submit(() => [[this.#leases.acquire(runId, holder, now, ttlMs)]]);
      const lease = await this.getLease(runId);
      // Gone again: whoever had it gave it back between the two statements.
      if (lease !== undefined) return lease;
    }
  }

  async renewLease(runId: string, holder: LeaseHolder, now: number, ttlMs: number): Promise<boolean> {
    return (await this.#queue.submit(() => [[this.#leases.renew(runId, holder.id, now, ttlMs)]])) > 0;
  }

  async releaseLease(runId: string, holder: LeaseHolder): Promise<void> {
    await this.#queue.submit(() => [[this.#leases.drop(runId, holder.id)]]);
  }

  async breakLease(runId: string, deadHolderId: string): Promise<void> {
    await this.#queue.submit(() => [[this.#leases.drop(runId, deadHolderId)]]);
  }

  getLease(runId: string): Promise<Lease | undefined> {
    return this.#read(async (db) => {
      const row = await db.selectFrom('leases').selectAll().where('run_id', '=', runId).executeTakeFirst();
      return row === undefined ? undefined : decodeLease(row);
    });
  }

  async purge(options: PurgeOptions): Promise<{ readonly runs: number; readonly calls: number }> {
    this.#refuseClosed();
    await this.#queue.drained();
    return this.#backend.purge(options);
  }

  getValue(name: string): Promise<JsonObject | undefined> {
    return this.#read(async (db) => {
      const row = await db.selectFrom('values').select('value').where('name', '=', this.#redact.content(name)).executeTakeFirst();
      return row === undefined ? undefined : (JSON.parse(row.value) as JsonObject);
    });
  }

  async updateValue(name: string, update: (current: JsonObject | undefined) => JsonObject): Promise<JsonObject> {
    this.#refuseClosed();
    return this.#backend.updateValue(this.#redact.content(name), (current) => {
      const value = update(current);
      return { value, text: contentJson(this.#redact, value) };
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#queue.close().then(() => this.#backend.close());
    return this.#closing;
  }

  #read<T>(query: (db: Db) => Promise<T>): Promise<T> {
    return this.#backend.read(() => query(this.#backend.db));
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new StoreError({ code: 'store', message: 'the store is closed: nothing more can be written' });
  }

  /** Keys are redacted when they are written, so they are looked for in the same form. */
  #asStored(filter: CallFilter): CallFilter {
    const { attemptKey, trial, ...rest } = filter;
    return {
      ...rest,
      ...(attemptKey === undefined ? {} : { attemptKey: this.#redact.content(attemptKey) }),
      ...(trial === undefined ? {} : { trial: this.#redact.content(trial) }),
    };
  }
}
