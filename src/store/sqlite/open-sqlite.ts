import SqliteDatabase from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import type { Clock } from '../../core/index.ts';
import type { Backend } from '../backend.ts';
import type { Database } from '../schema.ts';
import { databasePath, prepareFile } from './database-file.ts';
import { checkKnown, isCurrent, migrate } from './migrate.ts';
import { SqliteBackend } from './sqlite-backend.ts';
import { toStoreError } from './sqlite-errors.ts';
import { whileLocked } from './while-locked.ts';
import type { LockPatience } from './while-locked.ts';

export interface SqliteOptions {
  /** What stands after `sqlite:`: a path, or `:memory:` for a store that ends with the process. */
  readonly path: string;
  readonly durability: 'normal' | 'full';
  readonly clock: Clock;
  readonly lockTimeoutMs: number;
}

/** SQLite's own wait blocks the event loop: long enough for another process's commit, too short to be felt. */
const BUSY_TIMEOUT_MS = 50;

/** Pages in the log before they are moved into the file. Larger than SQLite's 1,000: a batch of writes fills that at once. */
const CHECKPOINT_PAGES = 4_000;

/** A log that a burst made larger is cut back to this. */
const LARGEST_LOG_BYTES = 64 * 1024 * 1024;

/**
 * Opens the file, makes it where it is missing, and brings its schema up to date.
 *
 * @throws StoreError, or UsageError where the path cannot be a database
 */
export async function openSqlite(options: SqliteOptions): Promise<Backend> {
  const location = `sqlite:${options.path}`;
  const path = options.path === ':memory:' ? undefined : databasePath(options.path);
  const patience: LockPatience = { clock: options.clock, timeoutMs: options.lockTimeoutMs, location, path };
  const connection = connect(path, location);
  try {
    await whileLocked(patience, () => void connection.pragma('journal_mode = wal'));
    connection.pragma(`synchronous = ${options.durability}`);
    connection.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    connection.pragma(`journal_size_limit = ${LARGEST_LOG_BYTES}`);
    const db = new Kysely<Database>({ dialect: new SqliteDialect({ database: connection }) });
    await whileLocked(patience, async () => {
      checkKnown(connection, location);
      if (isCurrent(connection)) return;
      connection.exec('begin immediate');
      try {
        await migrate(db);
        connection.exec('commit');
      } finally {
        if (connection.inTransaction) connection.exec('rollback');
      }
    });
    return new SqliteBackend({ connection, db, patience, redo: options.durability === 'normal' });
  } catch (error) {
    connection.close();
    throw toStoreError(error, location, path);
  }
}

function connect(path: string | undefined, location: string): SqliteDatabase.Database {
  try {
    if (path !== undefined) prepareFile(path);
    return new SqliteDatabase(path ?? ':memory:', { timeout: BUSY_TIMEOUT_MS });
  } catch (error) {
    throw toStoreError(error, location, path);
  }
}
