import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const bin = join(import.meta.dirname, '..', '..', 'bin', 'assay.js');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bin-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('bin/assay.js', () => {
  it('answers --help without loading what commands need', () => {
    // Every file that is loaded is named by Node itself.
    const traced = (...argv: string[]): string => spawnSync(process.execPath, [bin, ...argv], { encoding: 'utf8', cwd: folder, env: { ...process.env, NODE_DEBUG: 'esm,module' }, maxBuffer: 64 * 1024 * 1024 }).stderr;
    const overview = traced('--help');
    expect(overview).toContain('/node_modules/commander/');
    for (const heavy of ['zod', 'undici', 'better-sqlite3', 'kysely', 'ai', 'yaml', 'log-update']) expect(overview).not.toContain(`/node_modules/${heavy}/`);
    expect(traced('runs', '--db', `sqlite:${join(folder, 'any.db')}`)).toContain('/node_modules/kysely/');
  });

  it('gives its exit code and one JSON document for an error', () => {
    const { stdout, status } = spawnSync(process.execPath, [bin, 'show', 'last', '--json', '--db', `sqlite:${join(folder, 'none.db')}`], { encoding: 'utf8', cwd: folder });
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'not_found' } });
  });

  it('survives a reader that leaves', () => {
    const { stderr, status } = spawnSync('sh', ['-c', `"${process.execPath}" "${bin}" plugins --json | head -c 1 >/dev/null`], { encoding: 'utf8', cwd: folder });
    expect(status).toBe(0);
    expect(stderr).toBe('');
  });
});

/** A Node too old to run the sources, as the system's may be; without one there is nothing to try. */
const old = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => {
  const major = Number(/^v(\d+)/.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 24);
  return major < 24;
});

describe.skipIf(old === undefined)('bin/assay.js under an old Node', () => {
  it('goes on under the newer one, exit codes and all', () => {
    const { stdout, status } = spawnSync(old!, [bin, 'rns', '--json'], { encoding: 'utf8', cwd: folder });
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { hint: 'Did you mean runs?' } });
  });

  it('passes a signal on and waits for the end', async () => {
    const child = spawn(old!, [bin, 'sim', '--json'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(stderr).toContain('served 0 of 0 requests');
  });

  it('takes the work with it when it is killed outright', async () => {
    const child = spawn(old!, [bin, 'sim', '--json'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const text = await new Promise<string>((resolve) => child.stdout.once('data', (data: Buffer) => resolve(data.toString())));
    const { url } = JSON.parse(text) as { url: string };
    expect((await fetch(`${url}/__sim/stats`)).status).toBe(200);
    // The pipe closes only when the process that holds its other end, the worker, is gone.
    const gone = new Promise((resolve) => child.stdout.once('close', resolve));
    child.kill('SIGKILL');
    await gone;
    await expect(fetch(`${url}/__sim/stats`)).rejects.toThrow();
  });
});
