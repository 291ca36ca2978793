import type BetterSqlite3 from 'better-sqlite3';
import type { JsonObject } from '../../core/index.ts';
import type { Backend, OpSteps, WriteResult } from '../backend.ts';
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

/**
 * A store in one SQLite file, through one connection. Every transaction begins and ends within one turn of the event loop, so
 * reads of this process never see half of one.
 */
export class SqliteBackend implements Backend {
  readonly location: string;
  readonly sharedStatePath: string | undefined;
  readonly db: Db;
  readonly #connection: BetterSqlite3.Database;
  readonly #patience: LockPatience;
  readonly #statements = new Map<string, Statement>();

  constructor(options: { readonly connection: BetterSqlite3.Database; readonly db: Db; readonly patience: LockPatience }) {
    this.location = options.patience.location;
    this.sharedStatePath = options.patience.path === undefined ? undefined : `${options.patience.path}.limits`;
    this.db = options.db;
    this.#connection = options.connection;
    this.#patience = options.patience;
  }

  commit(batch: readonly (readonly OpSteps[])[]): Promise<readonly WriteResult[]> {
    return whileLocked(this.#patience, () => this.#commitTogether(batch));
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

  async purge(runIds: readonly string[]): Promise<{ readonly runs: number; readonly calls: number }> {
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

  /** Moves the write-ahead log into the file and cuts it to nothing: purged text would live on in it. */
  #emptyLog(): void {
    const [result] = this.#connection.pragma('wal_checkpoint(truncate)') as { readonly busy: number }[];
    // Another process is reading from the log; it will move on.
    if (result?.busy === 1) throw Object.assign(new Error('the write-ahead log is in use'), { code: 'SQLITE_BUSY' });
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
