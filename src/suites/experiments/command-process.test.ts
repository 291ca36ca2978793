import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { GoalError } from '../../engine/index.ts';
import { exitStatus, startCommand, type CommandEnd, type RunningCommand } from './command-process.ts';

interface Seen {
  readonly lines: string[];
  readonly end: CommandEnd;
}

async function start(script: string, lines: string[] = [], slow?: () => Promise<void>): Promise<RunningCommand> {
  return startCommand(['/bin/sh', '-c', script], {
    cwd: '/',
    env: { PATH: process.env['PATH'] },
    output: async (stream, line) => {
      await slow?.();
      lines.push(`${stream}: ${line}`);
    },
  });
}

async function run(script: string): Promise<Seen> {
  const lines: string[] = [];
  const command = await start(script, lines);
  return { lines, end: await command.ended };
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function gone(pid: number): Promise<void> {
  while (alive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('a command', () => {
  it('hands its lines on, the last without an end too, and its exit code', async () => {
    const { lines, end } = await run(String.raw`printf 'one\ntwo\r\n\nlast'; printf 'oops\n' >&2; exit 7`);
    expect(lines.filter((line) => line.startsWith('stdout'))).toEqual(['stdout: one', 'stdout: two', 'stdout: ', 'stdout: last']);
    expect(lines).toContain('stderr: oops');
    expect(end).toEqual({ exitCode: 7, signal: null });
    expect(exitStatus(end)).toBe(7);
  });

  it('ended by a signal has the exit status that a shell gives it', async () => {
    const { end } = await run('kill -TERM $$');
    expect(end).toEqual({ exitCode: null, signal: 'SIGTERM' });
    expect(exitStatus(end)).toBe(143);
  });

  it('has no stdin', async () => {
    expect((await run('cat; echo done')).lines).toEqual(['stdout: done']);
  });

  it('waits for a slow reader and loses nothing of what it printed', async () => {
    const lines: string[] = [];
    let waits = 0;
    const command = await start('i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done', lines, () => (waits++ % 100 === 0 ? new Promise((resolve) => setTimeout(resolve, 5)) : Promise.resolve()));
    await command.ended;
    expect(lines).toHaveLength(3000);
    expect(lines.at(-1)).toBe('stdout: line 2999');
  });

  it('ends although what it left running holds its output', async () => {
    const lines: string[] = [];
    const command = await start('sleep 30 & echo "left $!"', lines);
    const end = await command.ended;
    expect(end.exitCode).toBe(0);
    const pid = Number(/left (\d+)/.exec(lines[0] ?? '')?.[1]);
    expect(alive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
    await gone(pid);
  });

  it('is signalled with all that it started', async () => {
    const lines: string[] = [];
    const command = await start('sleep 30 & echo $!; wait', lines);
    while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    command.kill('SIGTERM');
    expect((await command.ended).signal).toBe('SIGTERM');
    await gone(Number(lines[0]!.replace('stdout: ', '')));
  });

  it.each([
    [['no-such-program-anywhere'], 'command_not_found'],
    [['/etc/passwd'], 'command_not_started'],
  ])('that cannot be started says why: %j', async (command, code) => {
    const failing = startCommand(command, { cwd: '/', env: { PATH: process.env['PATH'] }, output: async () => {} });
    await expect(failing).rejects.toSatisfy((error) => GoalError.isInstance(error) && error.outcomeCode === code && error.source === 'target');
  });

  it('is told to end when the process that started it is killed outright', async () => {
    const source = `
      import { startCommand } from ${JSON.stringify(new URL('command-process.ts', import.meta.url).href)};
      const command = await startCommand(['/bin/sh', '-c', 'sleep 60'], { cwd: '/', env: {}, output: async () => {} });
      process.stdout.write(String(command.pid));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [output] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(output.toString());
      expect(alive(pid)).toBe(true);
      parent.kill('SIGKILL');
      await gone(pid);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('that has ended is let go: its number may be another process by then', async () => {
    const command = await start('exit 0');
    expect((await command.ended).exitCode).toBe(0);
    command.kill('SIGKILL');
    expect((await run('exit 3')).end.exitCode).toBe(3);
  });
});
