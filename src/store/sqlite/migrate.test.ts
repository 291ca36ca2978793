import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { expect, it } from 'vitest';
import { sampleIntent, sampleSettlement } from '../conformance/samples.ts';
import { MIGRATIONS_LOCK_TABLE, MIGRATIONS_TABLE, migrationsFor } from '../migrations/index.ts';
import { openStore } from '../open-store.ts';

it('brings a store of the first schema up to date and keeps its calls', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-migrate-'));
  try {
    const path = join(folder, 'assay.db');
    const connection = new SqliteDatabase(path);
    const db = new Kysely({ dialect: new SqliteDialect({ database: connection }) });
    const migrator = new Migrator({
      db,
      provider: { getMigrations: () => Promise.resolve(migrationsFor('sqlite')) },
      migrationTableName: MIGRATIONS_TABLE,
      migrationLockTableName: MIGRATIONS_LOCK_TABLE,
    });
    expect((await migrator.migrateTo('0001-initial')).error).toBeUndefined();
    connection.exec(`insert into calls (id, logical_id, retry, run_id, branch, deployment, protocol, stream, simulated, queued_at, sent_at, waited_ms, reserved_tokens, status)
      values ('c1', 'l1', 0, 'r1', 'a', 'd', 'openai-chat', 0, 0, 1, 1, 0, 5, 'in_flight')`);
    await db.destroy();
    const store = await openStore(`sqlite:${path}`);
    const [call] = await store.calls({ runId: 'r1' });
    expect(call).toMatchObject({ intent: { id: 'c1', scope: { runId: 'r1', branch: 'a' } }, settlement: null });
    expect(call?.intent).not.toHaveProperty('via');
    // Nobody knows which process made it: that is left to whoever ends its run.
    expect(await store.markLostOfDead(() => false, 1)).toBe(0);
    await store.write({ op: 'call.settle', settlement: sampleSettlement('c1') }, { op: 'call.open', intent: sampleIntent('c2', { scope: { runId: 'r1', trial: 't' } }) });
    expect([...(await store.sumCalls({ runId: 'r1' }, 'trial')).keys()].toSorted()).toEqual(['t', 'unattributed']);
    await store.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
