import type BetterSqlite3 from 'better-sqlite3';
import { MIGRATIONS_LOCK_TABLE, MIGRATIONS_TABLE, migrationsFor } from '../migrations/index.ts';
import type { Db } from '../schema.ts';
import { StoreError } from '../store-error.ts';

type Connection = BetterSqlite3.Database;

/** Whether the schema is this version's. */
export function isCurrent(connection: Connection): boolean {
  const applied = new Set(appliedMigrations(connection));
  return Object.keys(migrationsFor('sqlite')).every((name) => applied.has(name));
}

/**
 * Refuses a database that a newer version of Assay has changed, or that some other program made.
 *
 * @throws StoreError `store` for a newer schema, `store_corrupt` for a stranger's
 */
export function checkKnown(connection: Connection, location: string): void {
  const known = migrationsFor('sqlite');
  const newer = appliedMigrations(connection).filter((name) => !(name in known));
  if (newer.length > 0) {
    throw new StoreError({
      code: 'store',
      message: `${location} was written by a newer version of Assay (its schema has ${newer.join(', ')})`,
      hint: 'update Assay, or choose another place with --db sqlite:PATH',
    });
  }
  const tables = connection.prepare<[], { name: string }>(`select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'`).all();
  if (tables.length > 0 && !tables.some((table) => table.name === MIGRATIONS_TABLE)) {
    throw new StoreError({
      code: 'store_corrupt',
      message: `${location} is a database of another program`,
      hint: 'choose another place with --db sqlite:PATH',
    });
  }
}

/**
 * Brings the schema up to date. The caller holds SQLite's write lock (`begin immediate`) on the same connection, so that two
 * processes that open a new file do it once, and a migration that breaks leaves nothing behind.
 */
export async function migrate(db: Db): Promise<void> {
  const { Migrator } = await import('kysely/migration');
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrationsFor('sqlite')) },
    migrationTableName: MIGRATIONS_TABLE,
    migrationLockTableName: MIGRATIONS_LOCK_TABLE,
    disableTransactions: true,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error('the schema could not be brought up to date', { cause: error });
}

function appliedMigrations(connection: Connection): string[] {
  const there = connection.prepare<[string], { n: number }>(`select count(*) as n from sqlite_master where type = 'table' and name = ?`).get(MIGRATIONS_TABLE);
  if (there === undefined || there.n === 0) return [];
  return connection
    .prepare<[], { name: string }>(`select name from "${MIGRATIONS_TABLE}"`)
    .all()
    .map((row) => row.name);
}
