import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { describeError, UsageError } from '../core/index.ts';

/** A file a run reads, and what it held when the run was planned. */
export interface InputFile {
  readonly path: string;
  readonly sha256: string;
}

/**
 * Fingerprints input files.
 *
 * @throws UsageError `input` naming a file that cannot be read
 */
export async function fingerprint(paths: readonly string[], cwd: string): Promise<InputFile[]> {
  return Promise.all(
    paths.map(async (given) => {
      const path = resolve(cwd, given);
      const hash = createHash('sha256');
      try {
        for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
      } catch (error) {
        throw new UsageError({ code: 'input', message: `cannot read ${given}: ${describeError(error)}`, hint: 'check the path and its permissions', cause: error });
      }
      return { path, sha256: hash.digest('hex') };
    }),
  );
}

/**
 * Makes sure that the files of a run are what they were.
 *
 * @throws UsageError `input` naming the first file that changed
 */
export async function checkInputs(files: readonly InputFile[], cwd: string): Promise<void> {
  const now = await fingerprint(
    files.map((file) => file.path),
    cwd,
  );
  for (const [i, file] of files.entries()) {
    if (now[i]?.sha256 !== file.sha256) {
      throw new UsageError({
        code: 'input',
        message: `${file.path} has changed since the run was planned`,
        hint: 'restore the file to resume this run, or start a new run with it as it is',
      });
    }
  }
}
