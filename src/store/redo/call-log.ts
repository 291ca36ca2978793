import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync, rmdirSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../sqlite/sqlite-errors.ts';
import { HEADER } from './log-line.ts';
import { logName, type LogOwner } from './log-owner.ts';

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;
const HEADER_BYTES = Buffer.byteLength(HEADER);

/** Lines are put into bytes here: most are far shorter. */
const bytes = Buffer.allocUnsafeSlow(64 * 1024);
const MOST_BYTES_PER_UNIT = 3;

const OPEN_LOGS = Symbol.for('assay.open-call-logs.1');
const shared = globalThis as { [OPEN_LOGS]?: { readonly paths: Set<string>; made: number } };
/** The logs that this thread writes now, whichever copy of the package does. */
const openLogs = (shared[OPEN_LOGS] ??= { paths: new Set(), made: 0 });

/** Whether this thread still writes a log. */
export function isOpenHere(path: string): boolean {
  return openLogs.paths.has(path);
}

/** One file of a log. */
export class LogFile {
  readonly path: string;
  readonly #file: number;
  #size = HEADER_BYTES;
  /** Lines that are not all in the tables yet. */
  lines = 0;

  /** Makes the file. Nobody else has one of this name. */
  constructor(path: string) {
    this.#file = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_APPEND | constants.O_WRONLY, OWNER_ONLY_FILE);
    this.path = path;
    openLogs.paths.add(path);
    try {
      this.#write(HEADER, 0);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Whether nothing stands in it that whoever finds it would have to enter. */
  get empty(): boolean {
    return this.#size === HEADER_BYTES;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether it is still where it was: another process may have taken a log for a dead one's. */
  get exists(): boolean {
    return fstatSync(this.#file).nlink > 0;
  }

  /** Appends a line, whole or not at all. Once this returns the line survives the death of the process. */
  append(line: string): void {
    this.#size += this.#write(line, this.#size);
    this.lines++;
  }

  /** Forgets what it holds, which is in the tables. Where that fails it is only longer than it need be. */
  clear(): void {
    try {
      ftruncateSync(this.#file, HEADER_BYTES);
      this.#size = HEADER_BYTES;
    } catch {
      // What it holds may be entered twice.
    }
  }

  /** Deletes it. */
  remove(): void {
    try {
      unlinkSync(this.path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    } finally {
      this.close();
    }
  }

  /** Leaves it to whoever finds it. */
  close(): void {
    if (openLogs.paths.delete(this.path)) closeSync(this.#file);
  }

  #write(text: string, before: number): number {
    const fits = text.length * MOST_BYTES_PER_UNIT <= bytes.length;
    const from = fits ? bytes : Buffer.from(text);
    const length = fits ? bytes.write(text) : from.length;
    let written = 0;
    try {
      written = writeSync(this.#file, from, 0, length);
    } finally {
      if (written < length) this.#cut(before);
    }
    if (written < length) throw Object.assign(new Error(`no room for a line of ${this.path}`), { code: 'ENOSPC' });
    return length;
  }

  /** Takes back what a failed write left: the next line must begin on its own. */
  #cut(size: number): void {
    ftruncateSync(this.#file, size);
  }
}

/**
 * The redo log of one open store: two files by turns, so that one can be emptied once all it holds is in the tables while the other is
 * written. They are made at the first line.
 */
export class CallLog {
  readonly #folder: string;
  readonly #owner: LogOwner;
  #active: LogFile | undefined;
  #other: LogFile | undefined;

  constructor(folder: string, owner: LogOwner) {
    this.#folder = folder;
    this.#owner = owner;
  }

  /** @throws the system's error where it cannot be written; nothing of the line is kept then */
  append(line: string): LogFile {
    // Only an empty one may have been taken for a dead one's unnoticed: the others are looked at when they are emptied.
    if (this.#active?.empty === true && !this.#active.exists) {
      this.#active.close();
      this.#active = undefined;
    }
    this.#active ??= this.#make();
    this.#active.append(line);
    return this.#active;
  }

  /** From now on the other file is written, where it is free. */
  turn(): void {
    if (this.#other !== undefined && this.#other.lines > 0) return;
    this.#other?.clear();
    [this.#active, this.#other] = [this.#other, this.#active];
  }

  /**
   * Empties what is all in the tables.
   *
   * @param least smallest size in bytes that is worth the trouble
   * @returns whether nothing is left to be emptied
   */
  clear(least = 0): boolean {
    let clean = true;
    for (const file of [this.#active, this.#other]) {
      if (file === undefined || file.empty) continue;
      if (file.lines === 0 && file.size >= least) file.clear();
      else clean = false;
    }
    return clean;
  }

  /** Deletes the files; they are made again where need be. What is not in the tables stays where it is, for whoever finds it. */
  end(): void {
    for (const file of [this.#active, this.#other]) {
      if (file === undefined) continue;
      if (file.lines === 0) file.remove();
      else file.close();
    }
    this.#active = undefined;
    this.#other = undefined;
    removeEmpty(this.#folder);
  }

  #make(): LogFile {
    for (;;) {
      try {
        return new LogFile(join(this.#folder, logName(this.#owner, openLogs.made++)));
      } catch (error) {
        const code = codeOf(error);
        if (code === 'ENOENT') makeFolder(this.#folder);
        else if (code !== 'EEXIST') throw error;
      }
    }
  }
}

/** The store's own folder is there. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: OWNER_ONLY_FOLDER });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/** A folder that others still use stays. */
export function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is not empty, or gone.
  }
}
