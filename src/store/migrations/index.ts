import type { Migration } from 'kysely/migration';
import type { Dialect } from '../schema.ts';
import { initial } from './0001-initial.ts';
import { hiddenCalls } from './0002-hidden-calls.ts';

export const MIGRATIONS_TABLE = 'migrations';
export const MIGRATIONS_LOCK_TABLE = 'migrations_lock';

/** Every schema version, oldest first. A published one is never edited: the next change is a new file. */
export function migrationsFor(dialect: Dialect): Record<string, Migration> {
  return {
    '0001-initial': initial(dialect),
    '0002-hidden-calls': hiddenCalls(),
  };
}
