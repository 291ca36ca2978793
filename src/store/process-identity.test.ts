import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isHolderAlive, thisProcess } from './process-identity.ts';

it('this process is alive, under a new id each time', () => {
  const [a, b] = [thisProcess(), thisProcess()];
  expect(isHolderAlive(a)).toBe(true);
  expect(a.id).not.toBe(b.id);
  expect(a.pidStartedAt).not.toBe('');
  expect({ ...a, id: '' }).toEqual({ ...b, id: '' });
});

it('a process of this host is dead once it has been killed', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log(1)'], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  const holder = { ...thisProcess(), pid: child.pid!, pidStartedAt: '' };
  expect(isHolderAlive(holder)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isHolderAlive(holder)).toBe(false);
});

it('a pid that another process has taken since does not count', () => {
  expect(isHolderAlive({ ...thisProcess(), pidStartedAt: 'another boot:1' })).toBe(false);
});

it.skipIf(process.platform !== 'linux')('a killed process that its parent has not asked after is dead', async () => {
  // The shell becomes `sleep`, which never asks after the child that it inherits.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const zombie = { ...thisProcess(), pid: Number(line.toString().trim()), pidStartedAt: '' };
  await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n');
  expect(isHolderAlive(zombie)).toBe(true);
  process.kill(zombie.pid, 'SIGKILL');
  await expect.poll(() => isHolderAlive(zombie)).toBe(false);
  expect(process.kill(zombie.pid, 0)).toBe(true);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
});

it('of a process on another host nothing is known, so it counts as alive', () => {
  expect(isHolderAlive({ ...thisProcess(), host: 'elsewhere', pid: 1, pidStartedAt: 'never' })).toBe(true);
});
