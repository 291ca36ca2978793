import { chmodSync, closeSync, constants, existsSync, fchmodSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '../../core/index.ts';
import { codeOf } from './sqlite-errors.ts';

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

/** The absolute path behind what a user wrote; `~/` is the home folder. */
export function databasePath(written: string): string {
  return resolve(written.startsWith('~/') ? join(homedir(), written.slice(2)) : written);
}

/**
 * Makes the file and the folders above it where they are missing, and closes it to everyone but its owner. SQLite gives its
 * `-wal` and `-shm` files the mode of the database; what an earlier program left there is closed as well.
 *
 * @throws UsageError (`config`) where the path is a folder or leads through a file; the system's error otherwise
 */
export function prepareFile(path: string): void {
  const file = openOrCreate(path);
  try {
    if ((fstatSync(file).mode & 0o077) !== 0) fchmodSync(file, OWNER_ONLY_FILE);
  } finally {
    closeSync(file);
  }
  for (const side of [`${path}-wal`, `${path}-shm`]) if (existsSync(side)) chmodSync(side, OWNER_ONLY_FILE);
}

function openOrCreate(path: string): number {
  const hint = 'name a file, e.g. --db sqlite:.assay/assay.db';
  try {
    makeFolder(dirname(path));
    return openSync(path, constants.O_CREAT | constants.O_RDWR, OWNER_ONLY_FILE);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EISDIR') throw new UsageError({ code: 'config', message: `${path} is a folder, not a database file`, hint, cause: error });
    if (code === 'ENOTDIR') throw new UsageError({ code: 'config', message: `a part of the path ${path} is a file, not a folder`, hint, cause: error });
    throw error;
  }
}

/** One level at a time: Node's recursive mkdir says ENOENT, not EROFS, on a read-only file system. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: OWNER_ONLY_FOLDER });
  } catch (error) {
    // Another process may have made it in between.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}
