import type BetterSqlite3 from 'better-sqlite3';
import type { JsonObject } from '../../core/index.ts';
import type { Backend, OpSteps, RedoPlace, WriteResult } from '../backend.ts';
import type { PurgeOptions } from '../contract.ts';
import { IN_FLIGHT } from '../rows/call-row.ts';
import { NO_GOAL, NO_NAME } from '../rows/fork-row.ts';
import { fromJson } from '../rows/text.ts';
import { RUN_TABLES } from '../schema.ts';
import type { Db } from '../schema.ts';
import { StoreError } from '../store-error.ts';
import { isOwnFault, toStoreError } from './sqlite-errors.ts';
import { whileLocked } from './while-locked.ts';
import type { LockPatience } from './while-locked.ts';

type Statement = BetterSqlite3.Statement;

/** Runs of one purge statement's list: SQLite takes 32,766 parameters, and short statements hold the loop less. */
const PURGE_RUNS = 500;

/** How long the last commit of a process waits for another's lock, in ms: nothing else can be done meanwhile. */
const LAST_WAIT_MS = 2_000;

/** A commit that was asked for. While another process holds the lock it has not been done. */
interface Commit {
  readonly batch: readonly (readonly OpSteps[])[];
  results: readonly WriteResult[] | undefined;
}

/**
 * A store in one SQLite file, through one connection. Every transaction begins and ends within one turn of the event loop, so
 * reads of this process never see half of one.
 */
export class SqliteBackend implements Backend {
  readonly location: string;
  readonly sharedStatePath: string | undefined;
  readonly db: Db;
  readonly redo: RedoPlace | undefined;
  readonly #connection: BetterSqlite3.Database;
  readonly #patience: LockPatience;
  readonly #statements = new Map<string, Statement>();
  /** What was asked for last. */
  #commit: Commit = { batch: [], results: [] };

  /** @param options.redo whether ops may be acknowledged once they stand in a log beside the file */
  constructor(options: { readonly connection: BetterSqlite3.Database; readonly db: Db; readonly patience: LockPatience; readonly redo: boolean }) {
    this.location = options.patience.location;
    this.sharedStatePath = options.patience.path === undefined ? undefined : `${options.patience.path}.limits`;
    this.db = options.db;
    this.#connection = options.connection;
    this.#patience = options.patience;
    const { path } = options.patience;
    this.redo = path === undefined || !options.redo ? undefined : { folder: `${path}.calls`, commitFound: (find) => this.#commitFound(find) };
  }

  async commit(batch: readonly (readonly OpSteps[])[]): Promise<readonly WriteResult[]> {
    const commit: Commit = { batch, results: undefined };
    this.#commit = commit;
    try {
      return await whileLocked(this.#patience, () => this.#once(commit));
    } finally {
      // Given up: whoever asked is told so, and it must not be done after all.
      commit.results ??= [];
    }
  }

  commitNow(batch: readonly (readonly OpSteps[])[]): readonly WriteResult[] {
    const { location, path } = this.#patience;
    const [{ timeout }] = this.#connection.pragma('busy_timeout') as [{ readonly timeout: number }];
    try {
      this.#connection.pragma(`busy_timeout = ${LAST_WAIT_MS}`);
      this.#once(this.#commit);
      return batch.length === 0 ? [] : this.#commitTogether(batch);
    } catch (error) {
      throw toStoreError(error, location, path);
    } finally {
      this.#connection.pragma(`busy_timeout = ${timeout}`);
    }
  }

  read<T>(query: () => Promise<T>): Promise<T> {
    return whileLocked(this.#patience, query);
  }

  updateValue(name: string, update: (current: JsonObject | undefined) => { readonly value: JsonObject; readonly text: string }): Promise<JsonObject> {
    return whileLocked(this.#patience, () =>
      this.#transaction(() => {
        const row = this.#prepared('select value from "values" where name = ?').get(name) as { readonly value: string } | undefined;
        const { value, text } = update(row === undefined ? undefined : fromJson<JsonObject>(row.value));
        this.#prepared('insert into "values" (name, value) values (?, ?) on conflict (name) do update set value = excluded.value').run(name, text);
        return value;
      }),
    );
  }

  async purge({ runIds, unattributedBefore }: PurgeOptions): Promise<{ readonly runs: number; readonly calls: number }> {
    const purged = { runs: 0, calls: 0 };
    // Deleted bytes are overwritten at once, so they are gone even if there is no room for the vacuum that follows.
    this.#connection.pragma('secure_delete = on');
    try {
      for (let from = 0; from < runIds.length; from += PURGE_RUNS) {
        const ids = runIds.slice(from, from + PURGE_RUNS);
        const deleted = await whileLocked(this.#patience, () => this.#transaction(() => this.#deleteRuns(ids)));
        purged.runs += deleted.runs;
        purged.calls += deleted.calls;
      }
      if (unattributedBefore !== undefined) purged.calls += await whileLocked(this.#patience, () => this.#transaction(() => this.#deleteUnattributed(unattributedBefore)));
    } finally {
      this.#connection.pragma('secure_delete = off');
    }
    try {
      await whileLocked(this.#patience, () => void this.#connection.exec('vacuum'));
    } finally {
      await whileLocked(this.#patience, () => this.#emptyLog());
    }
    return purged;
  }

  close(): Promise<void> {
    try {
      this.#connection.close();
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(toStoreError(error, this.location, this.#patience.path));
    }
  }

  #deleteRuns(ids: readonly string[]): { readonly runs: number; readonly calls: number } {
    const marks = ids.map(() => '?').join(', ');
    const changes = (table: string, column: string): number =>
      this.#connection.prepare(`delete from "${table}" where "${column}" in (${marks})`).run(...ids).changes;
    const calls = changes('calls', 'run_id');
    for (const table of RUN_TABLES) changes(table, 'run_id');
    return { runs: changes('runs', 'id'), calls };
  }

  #deleteUnattributed(before: number): number {
    const { changes } = this.#connection.prepare(`delete from calls where run_id is null and sent_at < ? and status <> ?`).run(before, IN_FLIGHT);
    this.#connection
      .prepare(
        `delete from forks where run_id = ? and not exists (select 1 from calls
         where calls.run_id is null and coalesce(calls.goal_index, ?) = forks.goal_index and coalesce(calls.trial, ?) = forks.trial)`,
      )
      .run(NO_NAME, NO_GOAL, NO_NAME);
    return changes;
  }

  /** Moves the write-ahead log into the file and cuts it to nothing: purged text would live on in it. */
  #emptyLog(): void {
    const [result] = this.#connection.pragma('wal_checkpoint(truncate)') as { readonly busy: number }[];
    // Another process is reading from the log; it will move on.
    if (result?.busy === 1) throw Object.assign(new Error('the write-ahead log is in use'), { code: 'SQLITE_BUSY' });
  }

  #commitFound(find: () => readonly OpSteps[]): Promise<void> {
    return whileLocked(this.#patience, () =>
      this.#transaction(() => {
        for (const op of find()) this.#runAlone([op]);
      }),
    );
  }

  #once(commit: Commit): readonly WriteResult[] {
    commit.results ??= this.#commitTogether(commit.batch);
    return commit.results;
  }

  /** One transaction for all. Only when a write breaks it are they done again, each behind its own savepoint. */
  #commitTogether(batch: readonly (readonly OpSteps[])[]): readonly WriteResult[] {
    try {
      return this.#transaction(() => batch.map((write) => ({ changed: this.#runWrite(write) })));
    } catch (error) {
      if (!isOwnFault(error)) throw error;
      return this.#transaction(() => batch.map((write) => this.#runAlone(write)));
    }
  }

  #runAlone(write: readonly OpSteps[]): WriteResult {
    this.#prepared('savepoint one_write').run();
    try {
      const changed = this.#runWrite(write);
      this.#prepared('release one_write').run();
      return { changed };
    } catch (error) {
      if (!isOwnFault(error)) throw error;
      this.#prepared('rollback to one_write').run();
      this.#prepared('release one_write').run();
      return { error: this.#refused(error) };
    }
  }

  #refused(error: unknown): StoreError {
    const reason = error instanceof Error ? error.message : String(error);
    return new StoreError({ code: 'store', message: `the store refused a write: ${reason}`, cause: error });
  }

  #runWrite(write: readonly OpSteps[]): number {
    let firstOfWrite: number | undefined;
    for (const op of write) {
      let firstOfOp = 0;
      for (const [index, step] of op.entries()) {
        if (step.ifFirstChanged === true && firstOfOp === 0) continue;
        const { changes } = this.#prepared(step.sql).run(...step.values);
        if (index === 0) firstOfOp = changes;
        firstOfWrite ??= changes;
      }
    }
    return firstOfWrite ?? 0;
  }

  #transaction<T>(work: () => T): T {
    this.#prepared('begin immediate').run();
    try {
      const result = work();
      this.#prepared('commit').run();
      return result;
    } catch (error) {
      // Some errors, a full disk among them, have rolled back by themselves.
      if (this.#connection.inTransaction) this.#prepared('rollback').run();
      throw error;
    }
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
