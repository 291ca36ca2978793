import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '../../src/store/index.ts';
import { cli, startCli, type CliResult, type RunningCli } from './processes.ts';

/** What `assay run --json` ends with. */
export interface RunDocument {
  readonly run: string;
  readonly status: string;
  readonly goals: { readonly planned: number | null; readonly verdicts: number; readonly undetermined: number; readonly skipped: number; readonly errors: number };
  readonly attempts: { readonly planned: number | null; readonly finished: number; readonly errors: number };
  readonly results: readonly { readonly probe: string; readonly hits: number; readonly scored: number; readonly total: number }[];
}

/** A folder of a user's, with the command line run in it as a process of its own. */
export class Folder implements AsyncDisposable {
  readonly path: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(path: string, env: Readonly<Record<string, string>>) {
    this.path = path;
    this.#env = env;
  }

  static async make(env: Readonly<Record<string, string>> = {}): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), 'assay-e2e-')), env);
  }

  get database(): string {
    return join(this.path, '.assay', 'assay.db');
  }

  file(name: string): string {
    return join(this.path, name);
  }

  async write(name: string, text: string): Promise<string> {
    await writeFile(this.file(name), text);
    return this.file(name);
  }

  /** A file of prompts, one a line. */
  prompts(count: number, name = 'prompts.txt'): Promise<string> {
    return this.write(name, Array.from({ length: count }, (_, i) => `Say the number ${i} in words.\n`).join(''));
  }

  cli(...args: readonly string[]): Promise<CliResult> {
    return cli(args, { cwd: this.path, env: this.#env });
  }

  start(...args: readonly string[]): RunningCli {
    return startCli(args, { cwd: this.path, env: this.#env });
  }

  /** Runs a command with `--json` that must end with the given exit code, and reads its one document. */
  async json<T>(code: number, ...args: readonly string[]): Promise<T> {
    const result = await this.cli(...args, '--json');
    if (result.code !== code) throw new Error(`assay ${args.join(' ')} ended with ${String(result.code)} instead of ${code}:\n${result.stderr}\n${result.stdout}`);
    return JSON.parse(result.stdout) as T;
  }

  /** Opens the folder's store for reading; close it by disposing of it. */
  async store(): Promise<Store & AsyncDisposable> {
    const store = await openStore(`sqlite:${this.database}`);
    return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
  }

  /** Every file below the folder with its bytes. */
  async allFiles(): Promise<{ readonly name: string; readonly bytes: Buffer }[]> {
    const entries = await readdir(this.path, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return Promise.all(files.map(async (name) => ({ name, bytes: await readFile(name) })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Resolves once the condition holds; looks again every few milliseconds, for as long as the test may take. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}
