import { readFileSync, readlinkSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { hostIdentity, isHolderAlive, thisProcess } from '../process-identity.ts';

/** The thread that writes a redo log. Its file's name says who it is, so whoever finds the file can tell whether it still does. */
export interface LogOwner {
  readonly host: string;
  readonly pid: number;
  readonly pidStartedAt: string;
  /** Id and start of the thread as the system has them; empty where the system does not tell. */
  readonly thread: string;
}

const SUFFIX = '.log';
const SEPARATOR = ',';

let owner: LogOwner | undefined;

/** This thread, or `undefined` for a worker thread on a system that does not tell when one has ended. */
export function thisThread(): LogOwner | undefined {
  const thread = currentThread();
  if (thread === '' && !isMainThread) return undefined;
  if (owner === undefined) {
    const { host, pid, pidStartedAt } = thisProcess();
    owner = { host, pid, pidStartedAt, thread };
  }
  return owner;
}

export function logName({ host, pid, pidStartedAt, thread }: LogOwner, n: number): string {
  return [host, pid, pidStartedAt, thread, n].map((part) => encodeURIComponent(part)).join(SEPARATOR) + SUFFIX;
}

/** Who writes the log of this name; `undefined` for what is no log of ours. */
export function ownerOf(name: string): LogOwner | undefined {
  const parts = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length).split(SEPARATOR) : [];
  const pid = Number(parts[1]);
  if (parts.length !== 5 || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
  try {
    const [host, , pidStartedAt, thread] = parts.map((part) => decodeURIComponent(part)) as [string, string, string, string];
    return { host, pid, pidStartedAt, thread };
  } catch {
    return undefined;
  }
}

/** Whether two logs are the same thread's. */
export function isSameOwner(one: LogOwner, other: LogOwner): boolean {
  return one.pid === other.pid && one.thread === other.thread && one.host === other.host && one.pidStartedAt === other.pidStartedAt;
}

/** Whether the thread is still there. Of another host nothing is known: its threads count as alive. */
export function isOwnerAlive({ host, pid, pidStartedAt, thread }: LogOwner): boolean {
  if (!isHolderAlive({ id: '', host, pid, pidStartedAt })) return false;
  // A holder on another host counts as alive, and its threads cannot be looked at here.
  if (thread === '' || host !== hostIdentity()) return true;
  return threadText(`/proc/${pid}/task`, thread.slice(0, thread.indexOf(':'))) === thread;
}

/** Linux alone tells: `/proc/thread-self` is a link to `PID/task/TID` (proc(5)). */
function currentThread(): string {
  try {
    return threadText('/proc/self/task', readlinkSync('/proc/thread-self').replace(/^.*\//, '')) ?? '';
  } catch {
    return '';
  }
}

/** Id and start in clock ticks since boot, field 22 of its stat file; `undefined` once it has ended. */
function threadText(tasks: string, tid: string): string | undefined {
  try {
    const stat = readFileSync(`${tasks}/${tid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : `${tid}:${fields[19]}`;
  } catch {
    return undefined;
  }
}
