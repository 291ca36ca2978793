import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { CallRecord, Run } from '../../../src/core/index.ts';
import { Folder } from '../folder.ts';
import { startProvider, type Served } from './provider.ts';

/** How a program gets its libraries, and the meter. */
export const WAYS = {
  'ES modules without a meter': { main: 'main.ts' },
  'CommonJS without a meter': { main: 'main.cjs' },
  'node --import': { main: 'main.ts', sees: 'ES modules without a meter' },
  'imported last': { main: 'main.ts', sees: 'ES modules without a meter' },
  require: { main: 'main.cjs', sees: 'CommonJS without a meter' },
} as const;
export type Way = keyof typeof WAYS;
export type MeteredWay = 'node --import' | 'imported last' | 'require';

export interface ProgramRun {
  readonly code: number | null;
  readonly stderr: string;
  /** What the program saw, by case. */
  readonly seen: ReadonlyMap<string, unknown>;
  readonly served: ReadonlyMap<string, Served>;
  /** What the ledger has, by the model asked for. */
  readonly rows: ReadonlyMap<string, readonly CallRecord[]>;
  readonly runs: readonly Run[];
}

/** One that takes longer hangs. */
const LONGEST_MS = 60_000;

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const REGISTER = here('../../../src/register.ts');
const METER: Partial<Record<Way, { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> }>> = {
  'node --import': { args: ['--import', REGISTER] },
  'imported last': { env: { METER_LAST: REGISTER } },
  require: { env: { METER_FIRST: REGISTER } },
};

/** Runs the program of one library in a process of its own, against a provider of its own. */
export async function runProgram(library: string, way: Way): Promise<ProgramRun> {
  await using folder = await Folder.make();
  await using provider = await startProvider();
  const { args = [], env = {} } = METER[way] ?? {};
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [...args, here(WAYS[way].main), library, JSON.stringify(provider.surroundings)], {
    cwd: folder.path,
    env: { PATH, HOME: folder.path, MEM0_TELEMETRY: 'False', AI_SDK_LOG_WARNINGS: 'false', NODE_NO_WARNINGS: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LONGEST_MS,
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
  const served = provider.served();
  const seen = alike(stdout, provider.surroundings);
  const result = { code, stderr, seen: new Map(Object.entries(seen === '' ? {} : (JSON.parse(seen) as object))), served };
  if (METER[way] === undefined) return { ...result, rows: new Map(), runs: [] };
  await using store = await folder.store();
  const calls = await store.calls({}, { limit: 10_000 });
  return { ...result, rows: Map.groupBy(calls, ({ intent }) => intent.modelAsked ?? ''), runs: await store.listRuns() };
}

/** Each provider listens elsewhere, and draws its requests' ids. */
function alike(output: string, surroundings: object): string {
  let same = output.replaceAll(/\breq-[\w-]{16}/g, 'req');
  for (const [name, address] of Object.entries(surroundings)) {
    if (typeof address === 'string' && URL.canParse(address)) same = same.replaceAll(new URL(address).host, name);
  }
  return same;
}

/** Runs what it is given, at most so many at once, in the order it came. */
export class Queue {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async run<Result>(job: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    try {
      return await job();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
