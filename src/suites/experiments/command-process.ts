import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { describeError } from '../../core/index.ts';
import { GoalError } from '../../engine/index.ts';
import { leash } from './command-leash.ts';

/** Takes what a command prints, a line at a time, without the line's end. What it returns is waited for before more is read. */
export type LineSink = (stream: 'stdout' | 'stderr', line: string) => Promise<unknown>;

export interface StartOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * `inherit`: stdin, stdout and stderr are this process's own, untouched, and so is its process group, so that a terminal's Ctrl-C
   * reaches both. A sink: stdin is closed, lines go to the sink, and the command is a group of its own that no terminal interrupts.
   */
  readonly output: 'inherit' | LineSink;
}

/** How a command ended: one of the two is set. */
export interface CommandEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A command that runs. */
export interface RunningCommand {
  readonly pid: number;
  /** Resolves once it has ended and all it printed was handed on. */
  readonly ended: Promise<CommandEnd>;
  /** Sends it a signal; its whole group where it has one of its own. */
  kill(signal: NodeJS.Signals): void;
}

/** What a shell makes of an end: the exit code, or 128 and the number of the signal. */
export function exitStatus({ exitCode, signal }: CommandEnd): number {
  return signal === null ? (exitCode ?? 1) : 128 + (constants.signals[signal] ?? 0);
}

/**
 * Starts a command. Should this process be killed outright, the command is told to end (SIGTERM): it must not go on beside the one that a
 * resume starts.
 *
 * @throws GoalError `command_not_found` or `command_not_started`
 */
export async function startCommand(command: readonly string[], { cwd, env, output }: StartOptions): Promise<RunningCommand> {
  const [program = '', ...args] = command;
  const own = output !== 'inherit';
  const options: SpawnOptions = { cwd, env: { ...env }, stdio: own ? ['ignore', 'pipe', 'pipe'] : 'inherit', detached: own && process.platform !== 'win32', windowsHide: true };
  const child = await spawned(program, args, options);
  const pid = child.pid!;
  const letGo = leash(pid, { group: own });
  const flow: Flow = { busy: 0, lastAt: performance.now() };
  const printed = output === 'inherit' ? [] : [forward(child.stdout!, flow, (line) => output('stdout', line)), forward(child.stderr!, flow, (line) => output('stderr', line))];
  const ended = endOf(child, printed, flow).finally(letGo);
  return {
    pid,
    ended,
    kill: (signal) => {
      if (!own || process.platform === 'win32') child.kill(signal);
      else if (child.exitCode === null && child.signalCode === null) signalGroup(pid, signal);
    },
  };
}

function spawned(program: string, args: readonly string[], options: SpawnOptions): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(notStarted(program, error));
    try {
      const child = spawn(program, args, options);
      child.once('error', fail);
      child.once('spawn', () => {
        child.off('error', fail);
        // A signal that cannot be sent is no end of the command.
        child.on('error', () => {});
        resolve(child);
      });
    } catch (error) {
      fail(error);
    }
  });
}

function notStarted(program: string, error: unknown): GoalError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return new GoalError({ source: 'target', code: 'command_not_found', message: `there is no command ${program} (or its working folder is gone)`, hint: 'check its name and PATH', cause: error });
  const hint = code === 'EACCES' ? 'make it executable, or start it by its interpreter' : code === 'ENOEXEC' ? 'it has no #! line: start it by its interpreter, e.g. sh FILE' : undefined;
  return new GoalError({ source: 'target', code: 'command_not_started', message: `${program} cannot be started: ${describeError(error)}`, ...(hint === undefined ? {} : { hint }), cause: error });
}

/** Silence, in ms, after which pipes that are open beyond the command's end are let go: something that it left running holds them. */
const PIPE_GRACE_MS = 1_000;

/** Whether lines are being handed on, and when one last was. */
interface Flow {
  busy: number;
  lastAt: number;
}

async function endOf(child: ChildProcess, printed: readonly Promise<void>[], flow: Flow): Promise<CommandEnd> {
  const end = await new Promise<CommandEnd>((resolve) => child.once('exit', (exitCode, signal) => resolve({ exitCode, signal })));
  if (printed.length === 0) return end;
  const endedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<void>((resolve) => {
    const look = (): void => {
      const quietFor = flow.busy > 0 ? 0 : performance.now() - Math.max(flow.lastAt, endedAt);
      if (quietFor >= PIPE_GRACE_MS) resolve();
      else timer = setTimeout(look, PIPE_GRACE_MS - quietFor);
    };
    look();
  });
  await Promise.race([Promise.all(printed), silence]);
  clearTimeout(timer);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return end;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended meanwhile.
  }
}

/** A line that does not end is handed on in pieces of this many characters. */
const LONGEST_LINE = 64 * 1024;

/** Hands a stream on line by line; its reader's pace is the command's. */
async function forward(stream: Readable, flow: Flow, take: (line: string) => Promise<unknown>): Promise<void> {
  stream.setEncoding('utf8');
  let rest = '';
  const hand = async (line: string): Promise<void> => {
    flow.busy++;
    try {
      await take(line);
    } finally {
      flow.busy--;
      flow.lastAt = performance.now();
    }
  };
  try {
    for await (const text of stream as AsyncIterable<string>) {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) await hand(line);
      for (; rest.length > LONGEST_LINE; rest = rest.slice(LONGEST_LINE)) await hand(rest.slice(0, LONGEST_LINE));
    }
  } catch {
    // Cut off after the command's end: what came is handed on.
  }
  if (rest !== '') await hand(rest);
}
