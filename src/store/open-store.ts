import { systemClock, UsageError } from '../core/index.ts';
import type { Clock } from '../core/index.ts';
import type { Store } from './contract.ts';
import { createRedactor } from './redaction.ts';
import type { Redactor } from './redaction.ts';
import { openSqlite } from './sqlite/open-sqlite.ts';
import { SqlStore } from './sql-store.ts';

export interface OpenStoreOptions {
  /** Takes secrets out of all that is written. Without it value patterns still apply to configs, errors and events. */
  readonly redact?: Redactor;
  /** `normal` (the default) keeps everything through the death of a process; `full` also through a loss of power, at a sync a commit. */
  readonly durability?: 'normal' | 'full';
  readonly clock?: Clock;
  /** How long to wait for another process's lock before `store_locked`, in ms; 60,000 by default. */
  readonly lockTimeoutMs?: number;
}

const LOCK_TIMEOUT_MS = 60_000;

/**
 * Opens a store and brings its schema up to date; a missing file is made, with the folders above it.
 *
 * @param location `sqlite:PATH`, or `sqlite::memory:` for a store that ends with the process
 * @throws UsageError (`config`) for a location that names no store
 * @throws StoreError `store_readonly`, `store_full`, `store_locked`, `store_corrupt`, or `store` for a newer schema
 * @example
 * const store = await openStore('sqlite:.assay/assay.db');
 */
export async function openStore(location: string, options: OpenStoreOptions = {}): Promise<Store> {
  const path = sqlitePath(location);
  const backend = await openSqlite({
    path,
    durability: options.durability ?? 'normal',
    clock: options.clock ?? systemClock,
    lockTimeoutMs: options.lockTimeoutMs ?? LOCK_TIMEOUT_MS,
  });
  const store = new SqlStore(backend, options.redact ?? createRedactor());
  // Where that cannot be now, reads and writes of calls try it again and tell.
  await store.recover().catch(() => {});
  return store;
}

/** The path in a location. A message about one that cannot be used does not repeat it: it may hold a password. */
function sqlitePath(location: string): string {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]+):(.*)$/is.exec(location.trim()) ?? [];
  switch (scheme?.toLowerCase() ?? '') {
    case 'sqlite':
      if (rest === undefined || rest === '') throw new UsageError({ code: 'config', message: '--db sqlite: needs a path', hint: 'e.g. --db sqlite:.assay/assay.db' });
      return rest;
    case 'postgres':
    case 'postgresql':
      throw new UsageError({ code: 'config', message: 'Postgres is not in this version yet', hint: 'use a file for now, e.g. --db sqlite:.assay/assay.db' });
    default:
      throw new UsageError({
        code: 'config',
        message: scheme === undefined ? `--db '${location}' does not say what kind of store it is` : `--db does not know stores of the kind '${scheme}:'`,
        hint: 'write sqlite:PATH, e.g. --db sqlite:.assay/assay.db',
      });
  }
}
