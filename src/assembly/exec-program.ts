import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { UsageError, type Env } from '../core/index.ts';

/**
 * Makes sure, before a run is recorded, that the programs of its trials are there.
 *
 * @throws UsageError naming the first that is not, or that may not be executed
 */
export async function findProgram(trials: readonly { readonly command: readonly string[] }[], cwd: string, env: Env): Promise<void> {
  const programs = new Set(trials.map(({ command }) => command[0] ?? ''));
  for (const program of programs) await findOne(program, cwd, env);
}

async function findOne(program: string, cwd: string, env: Env): Promise<void> {
  if (program === '') throw new UsageError({ message: 'no command was given', hint: 'e.g. assay exec -- python my_experiment.py' });
  const path = program.includes('/') || isAbsolute(program);
  const places = path ? [resolve(cwd, program)] : (env['PATH'] ?? '').split(delimiter).map((folder) => join(resolve(cwd, folder), program));
  // Windows finds programs by endings that are its own affair.
  if (process.platform === 'win32') return;
  const found = await Promise.all(places.map(kindOf));
  if (found.includes('program')) return;
  if (found.includes('file')) throw new UsageError({ message: `${program} may not be executed`, hint: `chmod +x ${program}, or start it by its interpreter, e.g. python ${program}` });
  if (path && found.includes('folder')) throw new UsageError({ message: `${program} is a folder`, hint: 'name the program in it' });
  throw new UsageError({ message: path ? `there is no ${program}` : `there is no command ${program}`, hint: hintFor(program, path) });
}

/** What a shell would have understood: no shell stands between. */
function hintFor(program: string, path: boolean): string {
  if (/^[A-Za-z_]\w*=/.test(program)) return `set variables by env: assay exec -- env ${program} COMMAND`;
  if (/[\s|&;<>$`*?()'"]/.test(program)) return "give program and arguments one by one, without quotes around the whole; what needs a shell goes by one: assay exec -- sh -c '…'";
  if (SHELL_WORDS.has(program)) return `${program} is a word of the shell's own: assay exec -- sh -c '${program} …'`;
  return path ? 'check its path' : 'check its name and PATH; write ./NAME for a program in this folder';
}

const SHELL_WORDS: ReadonlySet<string> = new Set(['.', 'alias', 'cd', 'command', 'eval', 'exec', 'exit', 'export', 'for', 'if', 'set', 'source', 'ulimit', 'umask', 'unset', 'until', 'while']);

async function kindOf(path: string): Promise<'program' | 'file' | 'folder' | 'nothing'> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return 'nothing';
  if (!found.isFile()) return 'folder';
  return access(path, constants.X_OK).then(
    () => 'program' as const,
    () => 'file' as const,
  );
}
