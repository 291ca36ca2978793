import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Holder } from './deployment-state.ts';

/** A process of another machine or pid namespace is given up after this long without a sign of life. */
const FOREIGN_SILENCE_MS = 120_000;

/** When a process started, as Linux tells it (field 22 of `/proc/PID/stat`, clock ticks since boot); empty elsewhere. */
function startedAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
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

const ownStart = startedAt(process.pid);
const ownSpace = pidSpace();

/** This process's entry in a deployment's state. */
export function newHolder(now: number): Holder {
  return { pid: process.pid, pidStartedAt: ownStart, space: ownSpace, beat: now, inFlight: 0, quotaReserved: 0, head: null };
}

/** Whether the process behind a holder still runs. */
export function isAlive(holder: Holder, now: number): boolean {
  if (holder.space !== ownSpace) return now - holder.beat < FOREIGN_SILENCE_MS;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return holder.pidStartedAt === '' || startedAt(holder.pid) === holder.pidStartedAt;
}
