import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const path = (relative: string): string => fileURLToPath(new URL(relative, root));

/** A simulator in a process of its own, so that killing a run leaves the provider's own count standing. */
export interface SimulatorProcess extends AsyncDisposable {
  readonly url: string;
  stats(): Promise<SimulatorStats>;
}

/** The parts of `GET /__sim/stats` that are compared with the ledger. */
export type SimulatorStats = Record<string, unknown>;

/** @param options simulator options as JSON */
export async function startSimulatorProcess(options: Readonly<Record<string, unknown>>): Promise<SimulatorProcess> {
  const child = spawn(process.execPath, [path('test/support/simulator-process.ts'), JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the simulator ended with ${String(code)}`))),
  ])) as [string];
  const { url } = JSON.parse(line) as { url: string };
  return {
    url,
    stats: async () => (await fetch(`${url}/__sim/stats`)).json() as Promise<SimulatorStats>,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
}

/** Starts the command line as a process of its own, as a user would. */
export function startCli(args: readonly string[], options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> }): RunningCli {
  const child = spawn(process.execPath, [path('bin/assay.js'), ...args], {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const result = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, result };
}

/** Runs the command line to its end. */
export function cli(args: readonly string[], options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> }): Promise<CliResult> {
  return startCli(args, options).result;
}
