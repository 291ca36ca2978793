import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('standalone.ts', import.meta.url));

describe('the simulator as a process', () => {
  it('says where it listens, serves, and ends on SIGTERM', async () => {
    const child = spawn(process.execPath, [script, '{"seed": 5}'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(line.toString()) as { url: string };
    expect(await (await fetch(`${url}/__sim/stats`)).json()).toMatchObject({ seed: 5, simulated: true });
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('names a bad option and ends with 2', async () => {
    const child = spawn(process.execPath, [script, '{"sed": 5}'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const [[text], [code]] = (await Promise.all([once(child.stderr, 'data'), once(child, 'exit')])) as [[Buffer], [number]];
    expect(text.toString()).toContain('simulator option sed');
    expect(code).toBe(2);
  });
});
