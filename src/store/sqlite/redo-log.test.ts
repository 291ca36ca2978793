import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { sampleGoal, sampleIntent, sampleSettlement, T0 } from '../conformance/samples.ts';
import type { CallOp, Store } from '../contract.ts';
import { systemClock } from '../../core/index.ts';
import type { Backend } from '../backend.ts';
import { openStore } from '../open-store.ts';
import { createRedactor } from '../redaction.ts';
import { SqlStore } from '../sql-store.ts';
import { StoreError } from '../store-error.ts';
import { openSqlite } from './open-sqlite.ts';
import { logName, thisThread } from '../redo/log-owner.ts';

const OPEN_STORE = new URL('../open-store.ts', import.meta.url).href;
const SAMPLES = new URL('../conformance/samples.ts', import.meta.url).href;

class Database implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'assay-redo-'));
  readonly path = join(this.folder, 'assay.db');
  readonly location = `sqlite:${this.path}`;
  readonly logs = `${this.path}.calls`;

  /** Ids and fates in the tables, as another connection sees them now. */
  rows(): string[] {
    const other = new SqliteDatabase(this.path, { readonly: true });
    const rows = other.prepare<[], { id: string; status: string }>('select id, status from calls order by id').all();
    other.close();
    return rows.map(({ id, status }) => `${id} ${status}`);
  }

  files(): string[] {
    return existsSync(this.logs) ? readdirSync(this.logs).map((name) => join(this.logs, name)) : [];
  }

  /** Everything that stands in the logs, headers apart. */
  logged(): string {
    return this.files().map((path) => readFileSync(path, 'utf8').replace(/^[^\n]*\n/, '')).join('');
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const open = (id: string): CallOp => ({ op: 'call.open', intent: sampleIntent(id) });
const settle = (id: string): CallOp => ({ op: 'call.settle', settlement: sampleSettlement(id) });
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

/** Runs a program over a store in a process of its own, which ends by SIGKILL with what it kept still in its log. */
function killedWhile(database: Database, program: string): void {
  const source = `
    const { openStore } = await import(${JSON.stringify(OPEN_STORE)});
    const { sampleIntent, sampleSettlement } = await import(${JSON.stringify(SAMPLES)});
    const store = await openStore(${JSON.stringify(database.location)});
    const open = (id) => store.writeSoon({ op: 'call.open', intent: sampleIntent(id) });
    const settle = (id) => store.writeSoon({ op: 'call.settle', settlement: sampleSettlement(id) });
    ${program}
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'ignore', 'inherit'] });
  expect(signal).toBe('SIGKILL');
}

async function using<T>(location: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(location);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

describe('the log', () => {
  it('has a line before a write is acknowledged, is emptied once the tables have it, and is gone with the store', async () => {
    using database = new Database();
    const store = await openStore(database.location);
    expect(existsSync(database.logs)).toBe(false);
    void store.writeSoon(open('a'));
    expect(database.logged()).toContain('"a"');
    expect(database.rows()).toEqual([]);
    await expect.poll(() => database.rows()).toEqual(['a in_flight']);
    await expect.poll(() => database.logged()).toBe('');
    await store.writeSoon(settle('a'));
    await store.close();
    expect(database.rows()).toEqual(['a ok']);
    expect(existsSync(database.logs)).toBe(false);
  });

  it('is its owner’s alone, and holds no secret that the store was told of', async () => {
    using database = new Database();
    const secret = 'zq-very-secret-key';
    const store = await openStore(database.location, { redact: createRedactor([secret]) });
    await store.writeSoon({ op: 'call.open', intent: sampleIntent('a', { scope: { trial: `with ${secret}` }, modelAsked: secret }) });
    await store.writeSoon({ op: 'call.settle', settlement: sampleSettlement('a', { error: `Bearer abcdefgh12345678 and ${secret}`, usage: { inputFresh: 1, cacheRead: undefined, cacheWrite: undefined, outputText: 1, reasoning: undefined, source: 'reported', raw: { echo: secret } } }) });
    const logged = database.logged();
    expect(logged).toContain('redacted');
    expect(logged).not.toContain(secret);
    expect(logged).not.toContain('abcdefgh12345678');
    expect([mode(database.logs), ...database.files().map(mode)]).toEqual(['700', ...database.files().map(() => '600')]);
    await store.close();
  });

  it('stays short however much is written', async () => {
    using database = new Database();
    const store = await openStore(database.location);
    let longest = 0;
    for (let n = 0; n < 6_000; n++) {
      await store.writeSoon(open(`c${n}`), settle(`c${n}`));
      if (n % 100 > 0) continue;
      await new Promise((resolve) => setImmediate(resolve));
      longest = Math.max(longest, ...database.files().map((path) => statSync(path).size));
    }
    expect(database.files().length).toBeLessThanOrEqual(2);
    expect(longest).toBeLessThan(1024 * 1024);
    expect((await store.sumCalls({}, 'all')).get('all')?.calls.ok).toBe(6_000);
    await store.close();
  });

  it('is not used where each commit is to outlive a loss of power, nor for a store in memory', async () => {
    using database = new Database();
    const store = await openStore(database.location, { durability: 'full' });
    await store.writeSoon(open('a'));
    expect(database.rows()).toEqual(['a in_flight']);
    expect(existsSync(database.logs)).toBe(false);
    await store.close();
    await using('sqlite::memory:', async (memory) => {
      await memory.writeSoon(open('a'));
      expect(await memory.calls({})).toHaveLength(1);
    });
  });

  it('keeps no program alive, and one that ends by itself has committed everything', async () => {
    using database = new Database();
    const program = `
      const { openStore } = await import(${JSON.stringify(OPEN_STORE)});
      const { sampleIntent } = await import(${JSON.stringify(SAMPLES)});
      const store = await openStore(${JSON.stringify(database.location)});
      await store.writeSoon({ op: 'call.open', intent: sampleIntent('a') });`;
    const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' });
    expect(status).toBe(0);
    expect(database.rows()).toEqual(['a in_flight']);
  });

  it.each(['store.flushNow()', 'undefined'])('loses nothing where a program calls process.exit and does on exit: %s', async (last) => {
    using database = new Database();
    const program = `
      const { openStore } = await import(${JSON.stringify(OPEN_STORE)});
      const { sampleIntent, sampleSettlement } = await import(${JSON.stringify(SAMPLES)});
      const store = await openStore(${JSON.stringify(database.location)});
      process.on('exit', () => {
        store.writeSoon({ op: 'call.settle', settlement: sampleSettlement('a') });
        ${last};
      });
      await store.writeSoon({ op: 'call.open', intent: sampleIntent('a') });
      process.exit(3);`;
    expect(spawnSync(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' }).status).toBe(3);
    expect(database.rows()).toEqual(last === 'undefined' ? [] : ['a ok']);
    expect(database.files().length > 0).toBe(last === 'undefined');
    await using(database.location, async (store) => expect((await store.calls({}))[0]?.settlement?.status).toBe('ok'));
    expect(existsSync(database.logs)).toBe(false);
  });
});

describe('a log that a killed process left', () => {
  it('is entered by whoever opens the store next, and deleted', async () => {
    using database = new Database();
    killedWhile(database, `await open('a'); await settle('a'); await open('b');`);
    expect(database.rows()).toEqual([]);
    await using(database.location, async (store) => {
      expect(database.rows()).toEqual(['a ok', 'b in_flight']);
      expect(existsSync(database.logs)).toBe(false);
      expect(await store.markLostOfDead((holder) => holder.pid === process.pid, T0)).toBe(1);
    });
  });

  it('is entered as far as it can be read', async () => {
    using database = new Database();
    killedWhile(database, `await open('a'); await open('b'); await settle('a');`);
    const [path] = database.files() as [string];
    const [header, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n') as [string, ...string[]];
    const strange = ['not json', '{}', '[]', '[["unknown", 1]]', '[["open", "too", "few"]]', '[["settle", {"an": "object"}]]', '\0\0\0\0', ''];
    writeFileSync(path, [header, ...strange, lines[0], ...strange, lines[1], lines[2]!.slice(0, -9)].join('\n'));
    await using(database.location, async () => expect(database.rows()).toEqual(['a in_flight', 'b in_flight']));
    expect(database.files()).toEqual([]);
  });

  it('whose row the tables refuse does not keep the others out', async () => {
    using database = new Database();
    killedWhile(database, `await open('a'); await open('b');`);
    const [path] = database.files() as [string];
    writeFileSync(path, readFileSync(path, 'utf8').replace('"openai/api.example/gpt-4.1-mini"', 'null'));
    await using(database.location, async () => expect(database.rows()).toEqual(['b in_flight']));
  });

  it('with a head that was cut short is deleted; one of another format and a file of somebody else’s are left', async () => {
    using database = new Database();
    await using(database.location, async () => {});
    killedWhile(database, `await open('a');`);
    const [path] = database.files() as [string];
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.slice(0, 30));
    const other = path.replace('.log', '9.log');
    writeFileSync(other, text.replace('assay-calls-1', 'assay-calls-2'));
    const notes = join(database.logs, 'notes.txt');
    writeFileSync(notes, 'mine');
    await using(database.location, async (store) => expect(await store.calls({})).toEqual([]));
    expect(database.files().toSorted()).toEqual([other, notes].toSorted());
  });

  it('with other columns gives what is known of them', async () => {
    using database = new Database();
    killedWhile(database, `await open('a');`);
    const [path] = database.files() as [string];
    writeFileSync(path, readFileSync(path, 'utf8').replace('"open":["id"', '"open":["brand_new","id"').replace('["open",', '["open","?",'));
    await using(database.location, async () => expect(database.rows()).toEqual(['a in_flight']));
  });

  it('is seen by a store that was open all along, at the first read of calls', async () => {
    using database = new Database();
    await using(database.location, async (store) => {
      killedWhile(database, `await open('a'); await settle('a');`);
      expect((await store.sumCalls({}, 'all')).get('all')?.calls.ok).toBe(1);
    });
  });

  it('in part entered already is entered once', async () => {
    using database = new Database();
    killedWhile(database, `await open('a'); await open('b'); await settle('a');`);
    const [path] = database.files() as [string];
    const text = readFileSync(path, 'utf8');
    const before = await using(database.location, async (store) => store.calls({}));
    mkdirSync(database.logs);
    writeFileSync(path, text);
    await using(database.location, async (store) => {
      expect(await store.calls({})).toEqual(before);
      await store.markLostOfDead((holder) => holder.pid === process.pid, T0);
    });
    mkdirSync(database.logs, { recursive: true });
    writeFileSync(path, text);
    // What was found to be lost stays so.
    await using(database.location, async () => expect(database.rows()).toEqual(['a ok', 'b lost']));
  });

  it('is not there any more when its run is purged, and brings nothing back', async () => {
    using database = new Database();
    await using(database.location, async (store) => {
      const other = await openStore(database.location);
      killedWhile(database, `await store.writeSoon({ op: 'call.open', intent: sampleIntent('a', { scope: { runId: 'gone', trial: 'a very private name' } }) });`);
      await store.purge({ runIds: ['gone'] });
      expect(await other.calls({})).toEqual([]);
      expect(database.files()).toEqual([]);
      expect(readFileSync(database.path).includes('a very private name')).toBe(false);
      await other.close();
    });
  });

  it('of another host is left while it may be in use, and entered once it was not for long', async () => {
    using database = new Database();
    killedWhile(database, `await open('a');`);
    const [path] = database.files() as [string];
    const elsewhere = path.replace(encodeURIComponent(hostname()), 'elsewhere');
    writeFileSync(elsewhere, readFileSync(path));
    rmSync(path);
    await using(database.location, async () => expect(database.rows()).toEqual([]));
    const longAgo = Date.now() / 1_000 - 60;
    utimesSync(elsewhere, longAgo, longAgo);
    await using(database.location, async () => expect(database.rows()).toEqual(['a in_flight']));
    expect(database.files()).toEqual([]);
  });
});

describe('the log of a living process', () => {
  it('is left alone by others', async () => {
    using database = new Database();
    const program = `
      const { openStore } = await import(${JSON.stringify(OPEN_STORE)});
      const { sampleIntent } = await import(${JSON.stringify(SAMPLES)});
      const store = await openStore(${JSON.stringify(database.location)});
      await store.writeSoon({ op: 'call.open', intent: sampleIntent('a') });
      process.stdout.write('ready');
      const until = performance.now() + 400;
      // Holds the loop, so that nothing is entered meanwhile.
      while (performance.now() < until);
      process.stdin.resume().on('end', () => store.close());`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await using(database.location, async (store) => {
      expect(await store.calls({})).toEqual([]);
      expect(database.logged()).toContain('"a"');
      await expect.poll(() => database.rows()).toEqual(['a in_flight']);
    });
    child.stdin.end();
    await once(child, 'exit');
    expect(database.files()).toEqual([]);
  });

  it('is made again where it was taken for a dead one’s', async () => {
    using database = new Database();
    const store = await openStore(database.location);
    await store.writeSoon(open('a'));
    await expect.poll(() => database.logged()).toBe('');
    for (const path of database.files()) rmSync(path);
    await store.writeSoon(open('b'));
    expect(database.logged()).toContain('"b"');
    await store.close();
    expect(database.rows()).toEqual(['a in_flight', 'b in_flight']);
  });

  it('is entered when its thread has ended though the process goes on', async () => {
    using database = new Database();
    const program = `
      const { parentPort } = require('node:worker_threads');
      (async () => {
        const { openStore } = await import(${JSON.stringify(OPEN_STORE)});
        const { sampleIntent, sampleSettlement } = await import(${JSON.stringify(SAMPLES)});
        const store = await openStore(${JSON.stringify(database.location)});
        await store.writeSoon({ op: 'call.open', intent: sampleIntent('a') });
        await store.writeSoon({ op: 'call.open', intent: sampleIntent('b') });
        await store.writeSoon({ op: 'call.settle', settlement: sampleSettlement('a') });
        parentPort.postMessage('ready');
        for (;;);
      })();`;
    const store = await openStore(database.location);
    const worker = new Worker(program, { eval: true });
    await once(worker, 'message');
    await store.recover();
    expect(database.rows()).toEqual([]);
    await worker.terminate();
    await store.recover();
    expect(database.rows()).toEqual(['a ok', 'b in_flight']);
    await store.writeSoon(settle('b'));
    await store.close();
    expect(database.rows()).toEqual(['a ok', 'b ok']);
    expect(database.files()).toEqual([]);
  });

  it('that a closed store could not enter is entered by the next one of the same process', async () => {
    using database = new Database();
    const store = await openStore(database.location, { lockTimeoutMs: 100 });
    await store.writeSoon(open('a'));
    const other = new SqliteDatabase(database.path);
    other.exec('begin immediate');
    await expect(store.close()).rejects.toMatchObject({ code: 'store_locked' });
    other.exec('commit');
    other.close();
    expect(database.rows()).toEqual([]);
    await using(database.location, async () => expect(database.rows()).toEqual(['a in_flight']));
    expect(database.files()).toEqual([]);
  });
});

describe('where the tables cannot be written', () => {
  it('for another’s lock, writes are acknowledged all the same and entered afterwards, settlements behind their calls', async () => {
    using database = new Database();
    const store = await openStore(database.location, { lockTimeoutMs: 100 });
    const other = new SqliteDatabase(database.path);
    other.exec('begin immediate');
    await store.writeSoon(open('a'));
    await expect(store.calls({})).rejects.toMatchObject({ code: 'store_locked' });
    await store.writeSoon(open('b'));
    const write = store.write({ op: 'goal.plan', goal: sampleGoal('r1', 0) });
    await store.writeSoon(settle('a'));
    const second = store.calls({});
    await store.writeSoon(settle('b'));
    await Promise.all([write, second].map((each) => expect(each).rejects.toMatchObject({ code: 'store_locked' })));
    expect(database.logged()).toContain('"a"');
    other.exec('commit');
    other.close();
    await expect.poll(() => database.rows()).toEqual(['a ok', 'b ok']);
    await expect.poll(() => database.logged()).toBe('');
    await store.close();
  });

  it('where a first commit fails and a second, with a settlement of a call of the first, does not, the settlement is not lost', async () => {
    using database = new Database();
    const backend = await openSqlite({ path: database.path, durability: 'normal', clock: systemClock, lockTimeoutMs: 1_000 });
    const { promise: failFirst, reject: fail } = Promise.withResolvers<never>();
    let commits = 0;
    const commit: Backend['commit'] = (batch) => (++commits === 1 ? failFirst : backend.commit(batch));
    const store = new SqlStore({ location: backend.location, sharedStatePath: undefined, db: backend.db, redo: backend.redo, commit, read: (query) => backend.read(query), updateValue: backend.updateValue.bind(backend), purge: backend.purge.bind(backend), close: () => backend.close() }, createRedactor());
    await store.writeSoon(open('a'));
    const first = store.calls({}).catch((error: unknown) => error);
    await expect.poll(() => commits).toBe(1);
    await store.writeSoon(settle('a'));
    const second = store.write({ op: 'goal.plan', goal: sampleGoal('r1', 0) });
    fail(new StoreError({ code: 'store_full', message: 'no room' }));
    expect((await Promise.all([first, second]))[0]).toMatchObject({ code: 'store_full' });
    expect((await store.calls({}))[0]?.settlement?.status).toBe('ok');
    await store.close();
    expect(database.files()).toEqual([]);
  });
});

describe('where the log cannot be written', () => {
  it('by a file that stands in its place, calls are committed before they are acknowledged', async () => {
    using database = new Database();
    const store = await openStore(database.location);
    writeFileSync(database.logs, 'in the way');
    await store.writeSoon(open('a'));
    expect(database.rows()).toEqual(['a in_flight']);
    await store.writeSoon(settle('a'));
    expect(database.rows()).toEqual(['a ok']);
    await store.close();
    expect(readFileSync(database.logs, 'utf8')).toBe('in the way');
  });

  it.skipIf(!canMount())('on a full disk, the ordinary write tells, nothing is half there, and it goes on once there is room', async () => {
    using database = new Database();
    const disk = join(database.folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    try {
      const store = await openStore(`sqlite:${join(disk, 'assay.db')}`);
      await store.writeSoon(open('before'));
      const ballast = join(disk, 'ballast');
      writeFileSync(ballast, '');
      expect(() => {
        for (;;) appendFileSync(ballast, Buffer.alloc(4_096));
      }).toThrow('ENOSPC');
      const acknowledged: string[] = [];
      let refused: unknown;
      for (let n = 0; n < 5_000; n++) {
        refused = await store.writeSoon(open(`c${n}`)).catch((error: unknown) => error);
        if (refused !== undefined) break;
        acknowledged.push(`c${n}`);
      }
      expect(refused).toMatchObject({ code: 'store_full' });
      rmSync(ballast);
      await store.writeSoon(open('after'));
      const stored = new Set((await store.calls({}, { limit: 9_999 })).map(({ intent }) => intent.id));
      expect(['before', 'after', ...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
      await store.close();
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });

  it('a store can be read without it', async () => {
    using database = new Database();
    await using(database.location, async (store) => {
      await store.writeSoon(open('a'));
    });
    await using(database.location, async (store) => {
      expect(await store.calls({})).toHaveLength(1);
      expect(existsSync(database.logs)).toBe(false);
    });
    killedWhile(database, `await open('b');`);
    chmodSync(database.logs, 0o500);
    await using(database.location, async (store) => expect((await store.calls({})).map(({ intent }) => intent.id)).toContain('a'));
  });
});

it('a log’s name says whose it is', () => {
  const self = thisThread()!;
  expect(logName({ ...self, host: 'a host, of sorts/4' }, 3)).toMatch(/^a%20host%2C%20of%20sorts%2F4,\d+,.*,3\.log$/);
});

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), 'assay-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]).status === 0;
  if (mounted) execFileSync('umount', ['-l', folder]);
  rmSync(folder, { recursive: true });
  return mounted;
}
