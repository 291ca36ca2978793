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
  throw new UsageError({ message: path ? `there is no ${program}` : `there is no command ${program}`, hint: path ? 'check its path' : 'check its name and PATH; write ./NAME for a program in this folder' });
}

async function kindOf(path: string): Promise<'program' | 'file' | 'folder' | 'nothing'> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return 'nothing';
  if (!found.isFile()) return 'folder';
  return access(path, constants.X_OK).then(
    () => 'program' as const,
    () => 'file' as const,
  );
}
