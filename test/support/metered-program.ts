import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CallRecord, Run } from '../../src/core/index.ts';
import { openStore, type Store } from '../../src/store/index.ts';

const ROOT = join(import.meta.dirname, '..', '..');
export const REGISTER = join(ROOT, 'src', 'register.ts');
export const REGISTER_URL = pathToFileURL(REGISTER).href;

/** A folder of its own, in which programs run and leave their store. */
export interface Workshop extends AsyncDisposable {
  readonly folder: string;
  readonly db: string;
  /** Writes a program and starts it. `node` stands before its name. */
  start(name: string, program: string, options?: StartOptions): Promise<Started>;
  /** Writes a program, and runs it to its end. */
  run(name: string, program: string, options?: StartOptions): Promise<Ended>;
  write(name: string, text: string): Promise<string>;
  /** All rows and runs of the store. */
  books(): Promise<{ readonly calls: readonly CallRecord[]; readonly runs: readonly Run[] }>;
  open(): Promise<Store>;
}

export interface StartOptions {
  readonly node?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once it has written this to stdout. */
  said(text: string): Promise<void>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function openWorkshop(): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-metered-'));
  const db = `sqlite:${join(folder, '.assay', 'assay.db')}`;
  const running = new Set<ChildProcess>();
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const start = async (name: string, program: string, { node = [], env = {} }: StartOptions = {}): Promise<Started> => {
    const file = await write(name, program);
    // Packages are found from where the project is.
    const child = spawn(process.execPath, [...node, file], { cwd: folder, env: { ...bareEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = once(child, 'close').then(([code, signal]) => {
      running.delete(child);
      return { code: code as number | null, signal: signal as NodeJS.Signals | null, stdout, stderr };
    });
    const said = async (text: string): Promise<void> => {
      while (!stdout.includes(text)) {
        const gone = await Promise.race([once(child.stdout, 'data').then(() => false), ended.then(() => true)]);
        if (gone && !stdout.includes(text)) throw new Error(`the program ended without saying "${text}": ${stdout}${stderr}`);
      }
    };
    return { process: child, ended, said };
  };
  const open = (): Promise<Store> => openStore(db);
  return {
    folder,
    db,
    write,
    start,
    run: async (...args) => (await start(...args)).ended,
    open,
    books: async () => {
      const store = await open();
      try {
        return { calls: await store.calls({}), runs: await store.listRuns() };
      } finally {
        await store.close();
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of running) child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Nothing of what this process was told about Assay, proxies or providers. */
function bareEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name, value]) => value !== undefined && !/^(?:ASSAY|NODE_|VITEST|npm_|FORCE_COLOR|.*_(?:API_KEY|BASE_URL)$|.*_?proxy$)/i.test(name));
  return Object.fromEntries(kept) as Record<string, string>;
}

/** The address of an installed package's entry, for a program that stands elsewhere. */
export function packageFile(path: string): string {
  return join(ROOT, 'node_modules', path);
}
