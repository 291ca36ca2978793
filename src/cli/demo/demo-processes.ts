import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { AssayError, sleep, type Clock } from '../../core/index.ts';
import type { Store } from '../../store/index.ts';

const POLL_MS = 100;

/** Starts the command line as a process of its own, which can be killed without taking the demo along. */
export function startAssay(args: readonly string[], env: Readonly<Record<string, string | undefined>>, cwd: string): ChildProcess {
  const bin = fileURLToPath(new URL('../../../bin/assay.js', import.meta.url));
  return spawn(process.execPath, [bin, ...args], { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The exit code of a process, once it has one; `null` where a signal ended it. */
export async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

/**
 * Waits until `enough` says so of the newest run, then kills its process with SIGKILL.
 *
 * @returns the run's id
 */
export async function killWhen(child: ChildProcess, { store, clock, enough }: { readonly store: Store; readonly clock: Clock; readonly enough: (runId: string) => Promise<boolean> }): Promise<string> {
  const [before] = await store.listRuns({ limit: 1 });
  for (;;) {
    await sleep(clock, POLL_MS);
    if (child.exitCode !== null) throw new AssayError({ code: 'internal', message: `a run of the demo ended before it could be killed, with exit code ${child.exitCode}` });
    const [run] = await store.listRuns({ limit: 1 });
    if (run === undefined || run.id === before?.id || run.status !== 'running' || !(await enough(run.id))) continue;
    child.kill('SIGKILL');
    await ended(child);
    return run.id;
  }
}
