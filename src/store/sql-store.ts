import type { Attempt, CallRecord, Goal, JsonObject, Lease, LeaseHolder, Outcome, Run, RunEvent, RunStatus, Score, StepRecord, TranscriptEntry } from '../core/index.ts';
import type { Backend, OpSteps } from './backend.ts';
import type { AnswerKey, BranchSums, CallFilter, CallGrouping, CallOp, CallSums, GoalCounts, PurgeOptions, ScoreSums, Store, StoredAnswer, WriteOp } from './contract.ts';
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
import { CallLog } from './redo/call-log.ts';
import { deleteLogs, findDeadLogs, readDeadLogs } from './redo/dead-logs.ts';
import { thisThread } from './redo/log-owner.ts';
import { SoonWrites } from './redo/soon-writes.ts';
import { encodeHolder } from './rows/holder-text.ts';
import { contentJson } from './rows/text.ts';
import type { Db } from './schema.ts';
import { StoreError } from './store-error.ts';
import { WriteQueue } from './write-queue.ts';
import type { QueueBounds } from './write-queue.ts';
import { writeSteps } from './write-steps.ts';
import type { WriteSteps } from './write-steps.ts';

const UNWRITABLE: ReadonlySet<string> = new Set(['store_full', 'store_readonly', 'store_locked']);

/** The store over any SQL backend: writes through one queue, reads as portable queries. */
export class SqlStore implements Store {
  readonly location: string;
  readonly sharedStatePath: string | undefined;
  readonly #backend: Backend;
  readonly #redact: Redactor;
  readonly #queue: WriteQueue;
  readonly #steps: WriteSteps;
  readonly #leases: LeaseSteps;
  /** Absent where all is written the ordinary way. */
  readonly #soon: SoonWrites | undefined;
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
    const owner = backend.redo === undefined ? undefined : thisThread();
    this.#soon = backend.redo === undefined || owner === undefined ? undefined : new SoonWrites({ queue: this.#queue, steps: this.#steps, log: new CallLog(backend.redo.folder, owner) });
  }

  async write(...ops: readonly WriteOp[]): Promise<void> {
    if (ops.length > 0) await this.#submit(() => ops.map((op) => this.#steps.ofOp(op)));
  }

  async writeSoon(...ops: readonly CallOp[]): Promise<void> {
    if (ops.length === 0) return;
    const kept = this.#closing === undefined && this.#soon?.take(ops);
    if (kept === true) return;
    await (typeof kept === 'object' ? kept : this.write(...ops));
  }

  async recover(): Promise<void> {
    const { redo } = this.#backend;
    if (redo === undefined || !this.#hasDeadLogs()) return;
    let entered: readonly string[] = [];
    await redo.commitFound(() => {
      // Looked for anew: nobody else can enter them now, nor purge what they would bring back.
      const { paths, entries } = readDeadLogs(findDeadLogs(redo.folder));
      entered = paths;
      return entries.map((entry) => this.#steps.ofEntry(entry));
    });
    deleteLogs(redo.folder, entered);
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
    return this.#readCalls((db) => readCalls(db, this.#asStored(filter), options));
  }

  sumCalls(filter: CallFilter, by: CallGrouping): Promise<Map<string, CallSums>> {
    return this.#readCalls((db) => sumCalls(db, this.#asStored(filter), by));
  }

  sumBranches(filter: CallFilter): Promise<BranchSums[]> {
    return this.#readCalls((db) => sumBranches(db, this.#asStored(filter)));
  }

  answerCounts(runId: string): Promise<Map<string, number>> {
    return this.#read((db) => answerCounts(db, runId));
  }

  answer(key: AnswerKey): Promise<StoredAnswer | undefined> {
    return this.#read((db) => readAnswer(db, key));
  }

  async markLostOfDead(isAlive: (holder: LeaseHolder) => boolean, at: number): Promise<number> {
    let marked = 0;
    for (const holder of await this.#readCalls(holdersInFlight)) {
      if (!isAlive(holder)) marked += await this.#submit(() => [this.#steps.markLostOf(holder.id, at)]);
    }
    return marked;
  }

  flushNow(): boolean {
    this.#soon?.submit();
    if (!this.#queue.flushNow()) return false;
    if (this.#soon?.pending === 0) this.#soon.end();
    return true;
  }

  async markLost(runId: string, at: number): Promise<number> {
    if (this.#hasDeadLogs()) await this.recover();
    return this.#submit(() => [this.#steps.markLost(runId, at)]);
  }

  async interruptOrphan(runId: string, at: number, reason: string): Promise<boolean> {
    if (this.#hasDeadLogs()) await this.recover();
    return (await this.#submit(() => [this.#steps.interruptOrphan(runId, at, reason)])) > 0;
  }

  callsSince(deployment: string, since: number): Promise<{ readonly at: number; readonly tokens: number }[]> {
    return this.#readCalls((db) => callsSince(db, this.#redact.content(deployment), since));
  }

  tokensSince(deployment: string, since: number): Promise<number> {
    return this.#readCalls((db) => tokensSince(db, this.#redact.content(deployment), since));
  }

  events(options: { readonly runId?: string; readonly after: number; readonly limit: number }): Promise<RunEvent[]> {
    return this.#read((db) => readEvents(db, options));
  }

  async acquireLease(runId: string, holder: LeaseHolder, now: number, ttlMs: number): Promise<Lease> {
    for (;;) {
      await this.#submit(() => [[this.#leases.acquire(runId, holder, now, ttlMs)]]);
      const lease = await this.getLease(runId);
      // Gone again: whoever had it gave it back between the two statements.
      if (lease !== undefined) return lease;
    }
  }

  async renewLease(runId: string, holder: LeaseHolder, now: number, ttlMs: number): Promise<boolean> {
    return (await this.#submit(() => [[this.#leases.renew(runId, holder.id, now, ttlMs)]])) > 0;
  }

  async releaseLease(runId: string, holder: LeaseHolder): Promise<void> {
    await this.#submit(() => [[this.#leases.drop(runId, holder.id)]]);
  }

  async breakLease(runId: string, deadHolderId: string): Promise<void> {
    await this.#submit(() => [[this.#leases.drop(runId, deadHolderId)]]);
  }

  getLease(runId: string): Promise<Lease | undefined> {
    return this.#read(async (db) => {
      const row = await db.selectFrom('leases').selectAll().where('run_id', '=', runId).executeTakeFirst();
      return row === undefined ? undefined : decodeLease(row);
    });
  }

  async purge(options: PurgeOptions): Promise<{ readonly runs: number; readonly calls: number }> {
    this.#refuseClosed();
    await this.recover();
    await this.#soon?.settled();
    await this.#queue.drained();
    try {
      return await this.#backend.purge(options);
    } finally {
      this.#soon?.clear();
    }
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
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const entered = this.#soon?.settled();
    // Whether it was is asked for below, once all is closed.
    entered?.catch(() => {});
    await this.#queue.close();
    this.#soon?.end();
    await this.#backend.close();
    await entered;
  }

  #hasDeadLogs(): boolean {
    const { redo } = this.#backend;
    return redo !== undefined && findDeadLogs(redo.folder).length > 0;
  }

  /** Writes after all that was handed over before. */
  #submit(make: () => readonly OpSteps[]): Promise<number> {
    this.#soon?.submit();
    return this.#queue.submit(make);
  }

  async #read<T>(query: (db: Db) => Promise<T>): Promise<T> {
    await this.#soon?.settled();
    return this.#backend.read(() => query(this.#backend.db));
  }

  /** Also what processes that are gone have left beside the tables. */
  async #readCalls<T>(query: (db: Db) => Promise<T>): Promise<T> {
    if (this.#hasDeadLogs()) {
      await this.recover().catch((error: unknown) => {
        // What cannot be written can be read all the same, as far as it is in the tables.
        if (!StoreError.isInstance(error) || !UNWRITABLE.has(error.code)) throw error;
      });
    }
    return this.#read(query);
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
