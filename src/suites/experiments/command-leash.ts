import { spawn } from 'node:child_process';

/**
 * Ends a process when this one dies without a word (`kill -9`), which nothing inside this one could do: a shell waits on a pipe whose
 * other end only this process holds. Does nothing where there is no POSIX shell.
 *
 * @param options.group whether the process leads a group that ends with it
 * @returns lets the process be
 */
export function leash(pid: number, { group }: { readonly group: boolean }): () => void {
  if (process.platform === 'win32') return () => {};
  const target = group ? `-${pid}` : String(pid);
  // Out of this process's group, so that no Ctrl-C ends the guard before its time.
  const guard = spawn('/bin/sh', ['-c', 'read -r word; [ "$word" = done ] || kill -s TERM -- "$1"', 'assay-guard', target], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, env: {} });
  guard.on('error', () => {});
  guard.stdin.on('error', () => {});
  guard.unref();
  return () => guard.stdin.end('done\n');
}
