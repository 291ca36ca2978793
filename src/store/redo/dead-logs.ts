import { existsSync, readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hostIdentity } from '../process-identity.ts';
import { encodeHolder } from '../rows/holder-text.ts';
import { codeOf } from '../sqlite/sqlite-errors.ts';
import { isOpenHere, removeEmpty } from './call-log.ts';
import { entriesOf, type CallEntry, type CallRow } from './call-entry.ts';
import { readLog } from './log-line.ts';
import { isOwnerAlive, isSameOwner, ownerOf, thisThread, type LogOwner } from './log-owner.ts';

/**
 * A log from another host (or another container) that was not written for this long is nobody's any more: whoever writes one enters what it
 * holds many times a second. As long as a run's lease lasts without a sign of life.
 */
const FORGOTTEN_MS = 30_000;

/** Logs that nobody writes any more, and what they say. */
export interface DeadLogs {
  readonly paths: readonly string[];
  readonly entries: readonly CallEntry[];
}

/**
 * Paths of the logs in a folder whose writers are gone. The folder need not be there.
 *
 * @param now by the clock that the file system goes by, in ms since the epoch
 */
export function findDeadLogs(folder: string, now: number = Date.now()): string[] {
  return namesIn(folder).flatMap((name) => {
    const owner = ownerOf(name);
    const path = join(folder, name);
    return owner !== undefined && isDead(path, owner, now) ? [path] : [];
  });
}

/** Reads them. One that has gone meanwhile was somebody else's to enter; one in a format that is not known is left where it is. */
export function readDeadLogs(paths: readonly string[]): DeadLogs {
  const read: string[] = [];
  const rows: CallRow[] = [];
  for (const path of paths) {
    const { host, pid, pidStartedAt } = ownerOf(path.slice(path.lastIndexOf('/') + 1))!;
    const text = textOf(path);
    const found = text === undefined ? undefined : readLog(text, encodeHolder({ id: '', host, pid, pidStartedAt }));
    if (found === undefined) continue;
    read.push(path);
    for (const row of found) rows.push(row);
  }
  return { paths: read, entries: entriesOf(rows) };
}

/** Deletes logs whose entries are in the tables. */
export function deleteLogs(folder: string, paths: readonly string[]): void {
  for (const path of paths) {
    try {
      unlinkSync(path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
  removeEmpty(folder);
}

function isDead(path: string, owner: LogOwner, now: number): boolean {
  const self = thisThread();
  // One that this thread has closed without having been able to enter it.
  if (self !== undefined && isSameOwner(self, owner)) return !isOpenHere(path);
  if (!isOwnerAlive(owner)) return true;
  if (owner.host === hostIdentity()) return false;
  try {
    return now - statSync(path).mtimeMs > FORGOTTEN_MS;
  } catch {
    return false;
  }
}

function namesIn(folder: string): string[] {
  // Most stores have none, and an error is dear.
  if (!existsSync(folder)) return [];
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
