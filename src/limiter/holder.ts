import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Holder } from './deployment-state.ts';

/** A process of another machine or pid namespace is given up after this long without a sign of life. */
const FOREIGN_SILENCE_MS = 120_000;

/** When a process or thread started, as Linux tells it (field 22 of `/proc/TASK/stat`, clock ticks since boot); empty elsewhere. */
function startedAt(task: string): string {
  try {
    const stat = readFileSync(`/proc/${task}/stat`, 'latin1');
    // The second field is the program's name in brackets and may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function pidSpace(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** This thread, `PID/task/TID`: worker threads have limiters of their own, and may be terminated while their process goes on. */
function thisTask(): string {
  try {
    return readlinkSync('/proc/thread-self');
  } catch {
    return String(process.pid);
  }
}

const ownTask = thisTask();
const ownStart = startedAt(ownTask);
const ownSpace = pidSpace();

/** This thread's entry in a deployment's state. */
export function newHolder(now: number): Holder {
  return { pid: process.pid, task: ownTask, pidStartedAt: ownStart, space: ownSpace, beat: now, inFlight: 0, quotaReserved: 0, head: null };
}

/** Whether the process behind a holder still runs, and its thread where that can be told. */
export function isAlive(holder: Holder, now: number): boolean {
  if (holder.space !== ownSpace) return now - holder.beat < FOREIGN_SILENCE_MS;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return holder.pidStartedAt === '' || startedAt(holder.task ?? String(holder.pid)) === holder.pidStartedAt;
}
