import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { eventually, Folder, type RunDocument } from './support/folder.ts';
import { startOpenAiServer } from './support/openai-server.ts';

const RUN = ['run', 'probes.custom', '--prompts', 'prompts.txt', '--detector', 'contains:number', '--json'];

/** A small file system of its own at `path`, where this process may mount one. */
function mountSmall(path: string, size: string): boolean {
  mkdirSync(path, { recursive: true });
  return process.platform === 'linux' && spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]).status === 0;
}

const canMount = await (async (): Promise<boolean> => {
  await using folder = await Folder.make();
  if (!mountSmall(folder.file('disk'), '64k')) return false;
  execFileSync('umount', ['-l', folder.file('disk')]);
  return true;
})();

describe('a store that another process has locked', () => {
  it('is waited for in the middle of a run, which loses nothing', { timeout: 30_000 }, async () => {
    await using folder = await Folder.make();
    let locked: SqliteDatabase.Database | undefined;
    await using server = await startOpenAiServer(({ number }) => {
      if (number === 10) {
        locked = new SqliteDatabase(folder.database);
        locked.exec('begin immediate');
      }
      return { text: 'a number' };
    });
    await folder.prompts(40);
    const { result } = folder.start(...RUN, '--target', `compat:${server.url}#m`, '--concurrency', '2');
    await eventually(() => locked !== undefined);
    // Calls go on record in the log beside the store, so some may still leave; no goal can end, as nothing can be committed.
    let looks = 0;
    await eventually(() => ++looks > 15);
    const done = (locked!.prepare('select count(*) as n from attempts').get() as { readonly n: number }).n;
    expect(done).toBeLessThanOrEqual(10);
    locked!.exec('commit');
    locked!.close();
    const { code, stdout, stderr } = await result;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', goals: { planned: 40, verdicts: 40, errors: 0 } });
    expect(server.requests).toBe(40);
  });
});

describe.skipIf(!canMount)('a disk that is full in the middle of a run', () => {
  it('ends it with a clear error and exit code 3; once there is room a resume completes it', { timeout: 60_000 }, async () => {
    await using folder = await Folder.make();
    const disk = folder.file('disk');
    expect(mountSmall(disk, '2m')).toBe(true);
    try {
      const ballast = `${disk}/ballast`;
      writeFileSync(ballast, Buffer.alloc(900_000));
      await using server = await startOpenAiServer(() => ({ text: 'a number, '.repeat(400) }));
      await folder.prompts(120);
      const db = ['--db', `sqlite:${disk}/assay.db`];
      const full = await folder.cli(...RUN, '--target', `compat:${server.url}#m`, '--parallel', '4', ...db);
      expect(full.code).toBe(3);
      const { error } = JSON.parse(full.stdout) as { readonly error: { readonly code: string; readonly message: string; readonly hint: string } };
      expect(error).toMatchObject({ code: 'store_full', message: expect.stringMatching(/the disk is full|no space left/) as unknown, hint: expect.stringContaining('then resume') as unknown });
      expect(full.stderr).toContain('what is recorded is kept: `assay resume ');
      rmSync(ballast);
      execFileSync('mount', ['-o', 'remount,size=32m', disk]);
      const asked = server.requests;
      expect(asked).toBeLessThan(120);
      const resumed = await folder.cli('resume', 'last', '--json', ...db);
      expect(resumed.code, resumed.stderr + resumed.stdout).toBe(0);
      expect(JSON.parse(resumed.stdout)).toMatchObject({ status: 'completed', goals: { planned: 120, verdicts: 120, errors: 0 }, attempts: { planned: 120, finished: 120, errors: 0 } });
      // Asked again is at most what was in flight.
      expect(server.requests).toBeLessThanOrEqual(120 + 4);
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });
});

const NOBODY = 65_534;

describe.skipIf(process.getuid?.() !== 0)('a store that may not be written', () => {
  it('is a clear error and exit code 3 before anything is sent', { timeout: 30_000 }, async () => {
    await using server = await startOpenAiServer(() => ({ text: 'a number' }));
    await using folder = await Folder.make();
    await folder.prompts(3);
    await folder.json<RunDocument>(0, ...RUN.slice(0, -1), '--target', `compat:${server.url}#m`);
    // Root may write everywhere: another user tries, who may read everything.
    chmodSync(folder.path, 0o755);
    chmodSync(folder.file('.assay'), 0o755);
    chmodSync(folder.database, 0o444);
    chownSync(folder.file('prompts.txt'), NOBODY, NOBODY);
    const bin = new URL('../bin/assay.js', import.meta.url).pathname;
    const asNobody = (...args: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
      spawnSync(process.execPath, [bin, ...args], { cwd: folder.path, uid: NOBODY, gid: NOBODY, encoding: 'utf8', env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' } });
    const asked = server.requests;
    const refused = asNobody(...RUN, '--target', `compat:${server.url}#m`);
    expect(refused.status, refused.stderr).toBe(3);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'store_readonly', hint: expect.stringContaining('writable') as unknown } });
    expect(server.requests).toBe(asked);
  });
});

describe('assay purge', () => {
  it('leaves no byte of a run in the folder, and the others as they are', { timeout: 30_000 }, async () => {
    await using server = await startOpenAiServer(({ prompt }) => ({ text: `you said: ${prompt}` }));
    await using folder = await Folder.make();
    const target = ['--target', `compat:${server.url}#m`];
    const marks = { gone: 'quokka', kept: 'wombat' };
    const runs: string[] = [];
    for (const mark of [marks.gone, marks.kept]) {
      await folder.write(`${mark}.txt`, Array.from({ length: 20 }, (_, i) => `Tell me about ${mark} ${i}.\n`).join(''));
      const { run } = await folder.json<RunDocument>(0, 'run', 'probes.custom', '--prompts', `${mark}.txt`, '--detector', `contains:${mark}`, '--name', `the ${mark} run`, ...target);
      runs.push(run);
      rmSync(folder.file(`${mark}.txt`));
    }
    const holds = async (mark: string): Promise<string[]> => (await folder.allFiles()).filter(({ bytes }) => bytes.includes(mark)).map(({ name }) => name);
    expect(await holds(marks.gone)).not.toEqual([]);
    expect(await folder.json<object>(2, 'purge', runs[0]!)).toMatchObject({ error: { hint: 'say --yes to do it' } });
    expect(await folder.json<object>(0, 'purge', runs[0]!, '--yes')).toMatchObject({ runs: 1, calls: 20, purged: [runs[0]] });
    expect(await holds(marks.gone)).toEqual([]);
    expect(await holds(marks.kept)).toEqual([folder.database]);
    expect(await folder.json<RunDocument>(0, 'resume', runs[1]!)).toMatchObject({ status: 'completed', goals: { verdicts: 20 } });
    expect(existsSync(`${folder.database}-wal`) ? readFileSync(`${folder.database}-wal`).includes(marks.gone) : false).toBe(false);
  });
});
