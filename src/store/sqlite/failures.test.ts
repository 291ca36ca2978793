import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../core/index.ts';
import { sampleEntry, sampleEvent, sampleGoal, sampleRun } from '../conformance/samples.ts';
import { openStore } from '../open-store.ts';
import { createRedactor } from '../redaction.ts';
import { SqlStore } from '../sql-store.ts';
import { openSqlite } from './open-sqlite.ts';

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'assay-sqlite-'));

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

/** A small file system of its own at `path`, where this process may mount one. */
function mountSmall(path: string, options: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]).status === 0;
}

const canMount = ((): boolean => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  using folder = new Folder();
  if (!mountSmall(folder.path, 'size=64k')) return false;
  execFileSync('umount', ['-l', folder.path]);
  return true;
})();

const NOBODY = 65_534;

const OPEN_STORE = new URL('../open-store.ts', import.meta.url).href;

/** File modes do not stop root, so root tries as someone else. */
const canActAsAnother =
  process.getuid?.() === 0 && spawnSync(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(OPEN_STORE)})`], { uid: NOBODY, gid: NOBODY }).status === 0;

describe('files', () => {
  it('are made where they are missing, and only their owner can read them', async () => {
    using folder = new Folder();
    const path = folder.file('deep/er/assay.db');
    const store = await openStore(`sqlite:${path}`);
    await store.write({ op: 'run.insert', run: sampleRun('r1') });
    expect([path, `${path}-wal`, `${path}-shm`].map(mode)).toEqual(['600', '600', '600']);
    expect([folder.file('deep'), folder.file('deep/er')].map(mode)).toEqual(['700', '700']);
    await store.purge({ runIds: ['r1'] });
    expect(mode(path)).toBe('600');
    await store.close();
  });

  it('that others could read are closed to them', async () => {
    using folder = new Folder();
    const path = folder.file('assay.db');
    writeFileSync(path, '', { mode: 0o644 });
    const store = await openStore(`sqlite:${path}`);
    expect(mode(path)).toBe('600');
    await store.close();
  });
});

describe('a damaged or foreign file', () => {
  it('that is no database is refused and left as it is', async () => {
    using folder = new Folder();
    const path = folder.file('notes.txt');
    writeFileSync(path, 'this is not a database, however long it may be. '.repeat(100));
    await expect(openStore(`sqlite:${path}`)).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(readFileSync(path, 'utf8')).toContain('this is not a database');
  });

  it('that has lost its pages is reported as damaged', async () => {
    using folder = new Folder();
    const path = folder.file('assay.db');
    const store = await openStore(`sqlite:${path}`);
    for (let n = 0; n < 50; n++) await store.write({ op: 'entry.add', entry: sampleEntry('r1', 0, `k${n}`, { data: 'x'.repeat(2_000) }) });
    await store.close();
    const bytes = readFileSync(path);
    bytes.fill(0xab, 4096);
    writeFileSync(path, bytes);
    const reopened = openStore(`sqlite:${path}`).then((again) => again.transcript('r1', 0));
    await expect(reopened).rejects.toMatchObject({ code: 'store_corrupt', hint: expect.stringContaining('backup') as unknown });
  });

  it('of another program is not touched', async () => {
    using folder = new Folder();
    const path = folder.file('theirs.db');
    const theirs = new SqliteDatabase(path);
    theirs.exec('create table recipes (name text)');
    theirs.close();
    await expect(openStore(`sqlite:${path}`)).rejects.toMatchObject({ code: 'store_corrupt', message: expect.stringContaining('another program') as unknown });
    const after = new SqliteDatabase(path);
    expect(after.prepare('select name from sqlite_master').all()).toEqual([{ name: 'recipes' }]);
    after.close();
  });

  it('of a newer version is refused, naming what is new', async () => {
    using folder = new Folder();
    const path = folder.file('assay.db');
    await (await openStore(`sqlite:${path}`)).close();
    const newer = new SqliteDatabase(path);
    newer.prepare('insert into migrations (name, timestamp) values (?, ?)').run('0999-tomorrow', '2099-01-01');
    newer.close();
    await expect(openStore(`sqlite:${path}`)).rejects.toMatchObject({ code: 'store', message: expect.stringContaining('0999-tomorrow') as unknown, hint: expect.stringContaining('update Assay') as unknown });
  });
});

describe('a lock held by another connection', () => {
  it('is waited for, while the event loop goes on', async () => {
    using folder = new Folder();
    const path = folder.file('assay.db');
    const store = await openStore(`sqlite:${path}`);
    const other = new SqliteDatabase(path);
    other.exec('begin immediate');
    const written = store.write({ op: 'run.insert', run: sampleRun('r1') });
    let turns = 0;
    const ticking = setInterval(() => {
      if (++turns === 5) other.exec('commit');
    }, 20);
    await written;
    clearInterval(ticking);
    expect(turns).toBeGreaterThanOrEqual(5);
    expect(await store.getRun('r1')).toBeDefined();
    other.close();
    await store.close();
  });

  it('that lasts too long is an error, and the next write goes through', async () => {
    using folder = new Folder();
    const path = folder.file('assay.db');
    const store = await openStore(`sqlite:${path}`, { lockTimeoutMs: 300 });
    const other = new SqliteDatabase(path);
    other.exec('begin immediate');
    await expect(store.write({ op: 'run.insert', run: sampleRun('r1') })).rejects.toMatchObject({ code: 'store_locked', hint: expect.stringContaining('resume') as unknown });
    await expect(store.updateValue('v', () => ({}))).rejects.toMatchObject({ code: 'store_locked' });
    other.exec('commit');
    await store.write({ op: 'run.insert', run: sampleRun('r2') });
    expect((await store.listRuns()).map((run) => run.id)).toEqual(['r2']);
    other.close();
    await store.close();
  });
});

describe('no room', () => {
  it('within the page limit is store_full, and writing goes on once there is room', async () => {
    using folder = new Folder();
    const backend = await openSqlite({ path: folder.file('assay.db'), durability: 'normal', clock: systemClock, lockTimeoutMs: 1_000 });
    const store = new SqlStore(backend, createRedactor());
    const limitPages = (pages: number): Promise<unknown> => sql`pragma max_page_count = ${sql.raw(String(pages))}`.execute(backend.db);
    await limitPages(60);
    const large = (key: string): Promise<void> => store.write({ op: 'goal.plan', goal: sampleGoal('r1', Number(key)) }, { op: 'entry.add', entry: sampleEntry('r1', Number(key), key, { data: 'x'.repeat(20_000) }) });
    const kept = await fillUp(large);
    await limitPages(10_000);
    await large(String(kept));
    expect((await store.countGoals('r1')).planned).toBe(kept + 1);
    await store.close();
  });

  it.skipIf(!canMount)('on a disk that is really full is store_full, and writing goes on once there is room', async () => {
    using folder = new Folder();
    const disk = folder.file('disk');
    mkdirSync(disk);
    expect(mountSmall(disk, 'size=1m')).toBe(true);
    try {
      const ballast = join(disk, 'ballast');
      writeFileSync(ballast, Buffer.alloc(200_000));
      const store = await openStore(`sqlite:${join(disk, 'assay.db')}`);
      const large = (key: string): Promise<void> => store.write({ op: 'goal.plan', goal: sampleGoal('r1', Number(key)) }, { op: 'entry.add', entry: sampleEntry('r1', Number(key), key, { data: 'x'.repeat(20_000) }) });
      const kept = await fillUp(large);
      rmSync(ballast);
      await large(String(kept));
      expect((await store.countGoals('r1')).planned).toBe(kept + 1);
      await store.close();
      const again = await openStore(`sqlite:${join(disk, 'assay.db')}`);
      expect((await again.goals('r1', { from: 0, limit: 999 })).map((goal) => goal.index)).toEqual(Array.from({ length: kept + 1 }, (_, n) => n));
      for (let index = 0; index <= kept; index++) expect(await again.transcript('r1', index)).toHaveLength(1);
      await again.close();
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });

  it.skipIf(!canMount)('for a new store is store_full', async () => {
    using folder = new Folder();
    const disk = folder.file('disk');
    mkdirSync(disk);
    expect(mountSmall(disk, 'size=64k')).toBe(true);
    try {
      await expect(openStore(`sqlite:${join(disk, 'assay.db')}`)).rejects.toMatchObject({ code: 'store_full' });
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });
});

/** Writes until the store says it is full; returns how many writes were acknowledged. */
async function fillUp(write: (key: string) => Promise<void>): Promise<number> {
  for (let kept = 0; kept < 1_000; kept++) {
    const failure: unknown = await write(String(kept)).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) continue;
    expect(failure).toMatchObject({ code: 'store_full', hint: expect.stringContaining('purge') as unknown });
    expect(kept).toBeGreaterThan(0);
    return kept;
  }
  throw new Error('it never got full');
}

describe('a store that cannot be written', () => {
  it.skipIf(!canMount)('on a read-only file system is store_readonly, also for a new one', async () => {
    using folder = new Folder();
    const disk = folder.file('disk');
    mkdirSync(disk);
    expect(mountSmall(disk, 'size=8m')).toBe(true);
    try {
      await (await openStore(`sqlite:${join(disk, 'assay.db')}`)).close();
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      for (const name of ['assay.db', 'new.db', 'folder/new.db']) await expect(openStore(`sqlite:${join(disk, name)}`)).rejects.toMatchObject({ code: 'store_readonly', hint: expect.stringContaining('writable') as unknown });
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });

  it.skipIf(!canActAsAnother)('by its mode or its folder\'s is store_readonly for a user they shut out', async () => {
    using folder = new Folder();
    const path = folder.file('assay.db');
    await (await openStore(`sqlite:${path}`)).close();
    const asNobody = (): string => {
      const script = `import { openStore } from ${JSON.stringify(OPEN_STORE)}; await openStore(${JSON.stringify(`sqlite:${path}`)}).then(() => console.log('opened'), (error) => console.log(error.code));`;
      return execFileSync(process.execPath, ['--input-type=module', '-e', script], { uid: NOBODY, gid: NOBODY, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    };
    chmodSync(folder.path, 0o755);
    expect(asNobody()).toBe('store_readonly');
    chownSync(path, NOBODY, NOBODY);
    expect(asNobody()).toBe('store_readonly');
    chownSync(folder.path, NOBODY, NOBODY);
    expect(asNobody()).toBe('opened');
  });

  it('while it is open refuses the write, keeps what it has, and goes on once it can', async () => {
    using folder = new Folder();
    const backend = await openSqlite({ path: folder.file('assay.db'), durability: 'normal', clock: systemClock, lockTimeoutMs: 1_000 });
    const store = new SqlStore(backend, createRedactor());
    await store.write({ op: 'event.add', event: sampleEvent('r1', 1) });
    await sql`pragma query_only = on`.execute(backend.db);
    await expect(store.write({ op: 'event.add', event: sampleEvent('r1', 2) })).rejects.toMatchObject({ code: 'store_readonly' });
    expect(await store.events({ after: 0, limit: 9 })).toHaveLength(1);
    await sql`pragma query_only = off`.execute(backend.db);
    await store.write({ op: 'event.add', event: sampleEvent('r1', 3) });
    expect(await store.events({ after: 0, limit: 9 })).toHaveLength(2);
    await store.close();
  });
});

describe('purge', () => {
  it('leaves no byte of what it forgot in the file or its log, and keeps the rest', async () => {
    using folder = new Folder();
    const path = folder.file('assay.db');
    const store = await openStore(`sqlite:${path}`);
    const fill = async (runId: string, word: string): Promise<void> => {
      await store.write({ op: 'run.insert', run: sampleRun(runId, { config: { word } }) });
      for (let index = 0; index < 30; index++) {
        await store.write(
          { op: 'goal.plan', goal: sampleGoal(runId, index, { text: word, data: word.repeat(300) }) },
          { op: 'entry.add', entry: sampleEntry(runId, index, 'k', { data: word.repeat(700) }) },
          { op: 'event.add', event: sampleEvent(runId, index, { data: { word } }) },
        );
      }
    };
    await fill('gone', 'forgettable');
    await fill('kept', 'memorable');
    await store.acquireLease('gone', { id: 'h', host: 'h', pid: 1, pidStartedAt: '' }, 0, 1);
    const holds = (word: string): boolean => [path, `${path}-wal`].some((file) => existsSync(file) && readFileSync(file).includes(word));
    expect([holds('forgettable'), holds('memorable')]).toEqual([true, true]);
    const sizeBefore = statSync(path).size + statSync(`${path}-wal`).size;
    expect(await store.purge({ runIds: ['gone', 'never-was'] })).toEqual({ runs: 1, calls: 0 });
    expect([holds('forgettable'), holds('memorable')]).toEqual([false, true]);
    expect(statSync(`${path}-wal`).size).toBe(0);
    expect(statSync(path).size).toBeLessThan(sizeBefore);
    expect(await store.getRun('gone')).toBeUndefined();
    expect(await store.getLease('gone')).toBeUndefined();
    expect(await store.events({ runId: 'gone', after: 0, limit: 9 })).toEqual([]);
    expect((await store.countGoals('kept')).planned).toBe(30);
    await store.close();
  });

  it('waits for a reader of the old state, and says so if it does not move on', async () => {
    using folder = new Folder();
    const path = folder.file('assay.db');
    const store = await openStore(`sqlite:${path}`, { lockTimeoutMs: 200 });
    await store.write({ op: 'run.insert', run: sampleRun('gone') });
    const reader = new SqliteDatabase(path);
    reader.exec('begin');
    reader.prepare('select * from runs').all();
    await expect(store.purge({ runIds: ['gone'] })).rejects.toMatchObject({ code: 'store_locked' });
    reader.exec('commit');
    expect(await store.purge({ runIds: ['gone'] })).toEqual({ runs: 0, calls: 0 });
    expect(statSync(`${path}-wal`).size).toBe(0);
    reader.close();
    await store.close();
  });
});
