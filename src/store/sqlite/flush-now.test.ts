import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, it } from 'vitest';
import { sampleEvent } from '../conformance/samples.ts';
import { openStore } from '../open-store.ts';

const OPEN_STORE = new URL('../open-store.ts', import.meta.url).href;

class Database implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'assay-flush-'));
  readonly path = join(this.#folder, 'assay.db');
  readonly location = `sqlite:${this.path}`;

  /** Rows of `events` as another connection sees them now. */
  events(): number {
    const other = new SqliteDatabase(this.path, { readonly: true });
    const { n } = other.prepare<[], { n: number }>('select count(*) as n from events').get()!;
    other.close();
    return n;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const event = (n: number) => ({ op: 'event.add' as const, event: sampleEvent('r1', n) });

it('commits what waits before it returns, also what had no room yet, and the writes resolve', async () => {
  using database = new Database();
  const store = await openStore(database.location);
  const writes = Array.from({ length: 25_000 }, (_, n) => store.write(event(n)));
  expect(store.flushNow()).toBe(true);
  expect(database.events()).toBe(25_000);
  await Promise.all(writes);
  await store.write(event(30_000));
  expect(store.flushNow()).toBe(true);
  expect(database.events()).toBe(25_001);
  await store.close();
  expect(store.flushNow()).toBe(true);
});

it.each(['process.exit(3)', "throw new Error('unheard')"])('keeps what a process wrote in its last moment: %s', (end) => {
  using database = new Database();
  const program = `
    const { openStore } = await import(${JSON.stringify(OPEN_STORE)});
    const store = await openStore(${JSON.stringify(database.location)});
    process.on('exit', () => store.flushNow());
    for (let n = 0; n < 3_000; n++) void store.write({ op: 'event.add', event: { runId: 'r1', at: n, type: 't', data: {} } });
    ${end};`;
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'ignore', 'ignore'] });
  expect(status).not.toBe(0);
  expect(database.events()).toBe(3_000);
});

it('does first what waits for a lock that is free by now, and does it once', async () => {
  using database = new Database();
  const store = await openStore(database.location);
  const other = new SqliteDatabase(database.path);
  other.exec('begin immediate');
  const waiting = store.write(event(1));
  // The lock keeps it from being done; the queue has handed it over by then.
  await new Promise((resolve) => setImmediate(resolve));
  const behind = store.write(event(2));
  other.exec('commit');
  other.close();
  expect(store.flushNow()).toBe(true);
  expect(database.events()).toBe(2);
  await Promise.all([waiting, behind]);
  expect((await store.events({ after: 0, limit: 9 })).map((one) => [one.seq, one.data['n']])).toEqual([[1, 1], [2, 2]]);
  await store.close();
});

it('says so where another process keeps the lock, and leaves the writes to their turn', async () => {
  using database = new Database();
  const store = await openStore(database.location);
  const other = new SqliteDatabase(database.path);
  other.exec('begin immediate');
  const writes = [store.write(event(1)), store.write(event(2))];
  expect(store.flushNow()).toBe(false);
  other.exec('commit');
  other.close();
  await Promise.all(writes);
  expect(database.events()).toBe(2);
  await store.close();
});

it('does not do after all what was given up', async () => {
  using database = new Database();
  const store = await openStore(database.location, { lockTimeoutMs: 100 });
  const other = new SqliteDatabase(database.path);
  other.exec('begin immediate');
  await expect(store.write(event(1))).rejects.toMatchObject({ code: 'store_locked' });
  other.exec('commit');
  other.close();
  const later = store.write(event(2));
  expect(store.flushNow()).toBe(true);
  await later;
  expect((await store.events({ after: 0, limit: 9 })).map((one) => one.data['n'])).toEqual([2]);
  await store.close();
});
