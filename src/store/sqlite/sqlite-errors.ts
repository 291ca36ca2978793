import { accessSync, constants, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { AssayError, describeError } from '../../core/index.ts';
import { StoreError } from '../store-error.ts';
import type { StoreErrorCode } from '../store-error.ts';

/** The result code that SQLite (`SQLITE_FULL`) or the system (`EROFS`) gave an error, or `undefined`. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Another connection is in the way; the same statement may succeed in a moment. */
export function isLocked(error: unknown): boolean {
  return /^SQLITE_(?:BUSY|LOCKED)/.test(codeOf(error) ?? '');
}

/** The statement or its values are at fault, not the database: another write is not affected. */
export function isOwnFault(error: unknown): boolean {
  return /^SQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(codeOf(error) ?? '') || error instanceof TypeError || error instanceof RangeError;
}

/** Less free space than this counts as none when SQLite reports no more than a failed write. */
const FULL_BELOW_BYTES = 1024 * 1024;

const HINTS: Readonly<Record<StoreErrorCode, string | undefined>> = {
  store: undefined,
  store_full: 'free some space (`assay purge` forgets old runs), then resume; everything acknowledged so far is kept',
  store_readonly: 'make the file and its folder writable for this user, or choose another place with --db sqlite:PATH',
  store_locked: 'another program holds the database; close it, then resume',
  store_corrupt: 'restore it from a backup, or choose another place with --db sqlite:PATH',
};

const WORDS: Readonly<Record<StoreErrorCode, string>> = {
  store: 'the store failed',
  store_full: 'the disk is full',
  store_readonly: 'the store cannot be written',
  store_locked: 'the store is locked',
  store_corrupt: 'the store is damaged or is not an Assay database',
};

/**
 * What went wrong, in the store's own words.
 *
 * @param path the database file, or `undefined` for one in memory
 */
export function toStoreError(error: unknown, location: string, path: string | undefined): AssayError {
  if (AssayError.isInstance(error)) return error;
  const code = classify(codeOf(error), path);
  return new StoreError({ code, message: `${WORDS[code]} (${location}): ${describeError(error)}`, hint: HINTS[code], cause: error });
}

export function lockedError(location: string, waitedMs: number, cause: unknown): StoreError {
  return new StoreError({
    code: 'store_locked',
    message: `${WORDS.store_locked} (${location}): waited ${Math.round(waitedMs / 1000)} s for another process`,
    hint: HINTS.store_locked,
    cause,
  });
}

function classify(code: string | undefined, path: string | undefined): StoreErrorCode {
  if (code === undefined) return 'store';
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT') return 'store_full';
  if (code.startsWith('SQLITE_READONLY') || ['SQLITE_PERM', 'EACCES', 'EPERM', 'EROFS'].includes(code)) return 'store_readonly';
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'store_locked';
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || code === 'SQLITE_FORMAT') return 'store_corrupt';
  // The file itself may be writable while its log cannot be made beside it.
  if (code.startsWith('SQLITE_CANTOPEN') && path !== undefined && !canWriteBeside(path)) return 'store_readonly';
  // A full disk also shows as a failed write, or as shared memory that cannot grow.
  if (code.startsWith('SQLITE_IOERR') && path !== undefined && freeBytes(path) < FULL_BELOW_BYTES) return 'store_full';
  return 'store';
}

function canWriteBeside(path: string): boolean {
  try {
    accessSync(dirname(path), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
