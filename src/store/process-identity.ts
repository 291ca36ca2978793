import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { newId } from '../core/index.ts';
import type { LeaseHolder } from '../core/index.ts';

/**
 * This process as the holder of a lease. Each call gives a new id, so two runs of one process are two holders: keep the one a
 * lease was taken with.
 */
export function thisProcess(): LeaseHolder {
  return { id: newId(), host: hostIdentity(), pid: process.pid, pidStartedAt: startOf(process.pid) ?? '' };
}

/**
 * Whether the process behind a lease is still there: on this host by its pid and start time. Of another host nothing is known,
 * so its holder counts as alive and the lease's expiry decides.
 */
export function isHolderAlive(holder: LeaseHolder): boolean {
  if (holder.host !== hostIdentity()) return true;
  if (!pidExists(holder.pid)) return false;
  const startedAt = startOf(holder.pid);
  // Where the system tells no start time, a pid in use is all there is to go by.
  if (startedAt === undefined) return !onLinux();
  return holder.pidStartedAt === '' || startedAt === holder.pidStartedAt;
}

/** This host: its name, on Linux with the process-id namespace: containers may share a name but not their pids. */
export function hostIdentity(): string {
  if (!onLinux()) return hostname();
  try {
    return `${hostname()}/${readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '')}`;
  } catch {
    return hostname();
  }
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there but is another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** When a process started, as the system puts it; `undefined` where it has ended or the system does not tell. */
function startOf(pid: number): string | undefined {
  return onLinux() ? startOnLinux(pid) : startByPs(pid);
}

/**
 * Boot id and clock ticks since boot: field 22 of /proc/PID/stat (proc(5)), counted after the command, which may hold spaces and
 * brackets. A zombie has ended; its parent has only not asked yet.
 */
function startOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${fields[19]}`;
  } catch {
    return undefined;
  }
}

function startByPs(pid: number): string | undefined {
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return started === '' ? undefined : started;
  } catch {
    return undefined;
  }
}

function onLinux(): boolean {
  return process.platform === 'linux';
}
