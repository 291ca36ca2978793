import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { LeaseHolder } from '../../core/index.ts';
import { recoverOrphans } from '../orphans.ts';
import { thisProcess } from '../process-identity.ts';
import { sampleGoal, sampleHolder, sampleIntent, sampleRun, sampleSettlement, T0 } from './samples.ts';
import type { MakeStore } from './store-under-test.ts';

const TTL = 30_000;

/** One holder at a time, and what becomes of runs whose holder is gone. */
export function leasesConformance(make: MakeStore): void {
  describe('leases', () => {
    it('go to one holder until they expire', async () => {
      await using database = await make();
      const store = await database.open();
      const [a, b] = [sampleHolder('a'), sampleHolder('b')];
      expect(await store.acquireLease('r1', a, T0, TTL)).toStrictEqual({ runId: 'r1', holder: a, heartbeatAt: T0, expiresAt: T0 + TTL });
      expect((await store.acquireLease('r1', b, T0 + TTL - 1, TTL)).holder).toEqual(a);
      expect((await store.acquireLease('r1', a, T0 + 5, TTL)).heartbeatAt).toBe(T0 + 5);
      expect(await store.renewLease('r1', b, T0 + 6, TTL)).toBe(false);
      expect(await store.renewLease('r1', a, T0 + 10, TTL)).toBe(true);
      expect((await store.acquireLease('r1', b, T0 + TTL + 9, TTL)).holder).toEqual(a);
      expect((await store.acquireLease('r1', b, T0 + TTL + 10, TTL)).holder).toEqual(b);
      expect(await store.renewLease('r1', a, T0 + TTL + 11, TTL)).toBe(false);
      expect((await store.getLease('r1'))?.holder).toEqual(b);
    });

    it('are given back and broken by the id of their holder alone', async () => {
      await using database = await make();
      const store = await database.open();
      const [a, b] = [sampleHolder('a'), sampleHolder('b')];
      await store.acquireLease('r1', a, T0, TTL);
      await store.releaseLease('r1', b);
      await store.breakLease('r1', 'b');
      expect((await store.getLease('r1'))?.holder).toEqual(a);
      await store.releaseLease('r1', a);
      expect(await store.getLease('r1')).toBeUndefined();
      await store.acquireLease('r1', b, T0, TTL);
      await store.breakLease('r1', 'b');
      expect((await store.acquireLease('r1', a, T0, TTL)).holder).toEqual(a);
    });

    it('go to exactly one of many that ask at once', async () => {
      await using database = await make();
      const stores = [await database.open(), await database.open()];
      const leases = await Promise.all(Array.from({ length: 20 }, (_, n) => stores[n % 2]!.acquireLease('r1', sampleHolder(`h${n}`), T0, TTL)));
      expect(new Set(leases.map((lease) => lease.holder.id)).size).toBe(1);
    });
  });

  describe('orphans', () => {
    it('become interrupted when no live lease protects them, with their calls lost and one event', async () => {
      await using database = await make();
      const store = await database.open();
      const now = T0 + 100_000;
      const mine = thisProcess();
      const dead = await deadProcess();
      for (const id of ['live', 'elsewhere', 'dead', 'expired', 'missing']) await store.write({ op: 'run.insert', run: sampleRun(id) }, { op: 'goal.plan', goal: sampleGoal(id, 0) });
      await store.write({ op: 'run.insert', run: sampleRun('done', { status: 'completed' }) });
      await store.write(
        { op: 'call.open', intent: sampleIntent('c1', { scope: { runId: 'dead' } }) },
        { op: 'call.open', intent: sampleIntent('c2', { scope: { runId: 'dead' } }) },
        { op: 'call.settle', settlement: sampleSettlement('c2') },
        { op: 'call.open', intent: sampleIntent('c3', { scope: { runId: 'live' } }) },
      );
      await store.acquireLease('live', mine, now, TTL);
      await store.acquireLease('elsewhere', sampleHolder('far'), now, TTL);
      await store.acquireLease('dead', dead, now, TTL);
      await store.acquireLease('expired', sampleHolder('far'), T0, TTL);
      expect((await recoverOrphans(store, now)).toSorted()).toEqual(['dead', 'expired', 'missing']);
      expect(await store.getRun('dead')).toMatchObject({ status: 'interrupted', endedAt: now, reason: expect.stringContaining(`process ${dead.pid}`) as unknown });
      expect(await store.getRun('missing')).toMatchObject({ status: 'interrupted' });
      expect(await store.getRun('done')).toEqual(sampleRun('done', { status: 'completed' }));
      expect((await store.calls({ runId: 'dead' })).map((call) => call.settlement?.status)).toEqual(['lost', 'ok']);
      expect((await store.calls({ runId: 'live' }))[0]?.settlement).toBeNull();
      expect((await store.events({ after: 0, limit: 99 })).map((event) => `${event.runId} ${event.type}`).toSorted()).toEqual(['dead', 'expired', 'missing'].map((id) => `${id} run.interrupted`));
      expect(await recoverOrphans(store, now)).toEqual([]);
      expect((await store.acquireLease('dead', mine, now, TTL)).holder).toEqual(mine);
    });

    it('are ended once when two processes find them at the same time', async () => {
      await using database = await make();
      const stores = [await database.open(), await database.open()];
      const ids = Array.from({ length: 20 }, (_, n) => `r${String(n).padStart(2, '0')}`);
      await stores[0]!.write(...ids.map((id) => ({ op: 'run.insert' as const, run: sampleRun(id) })));
      const found = await Promise.all(stores.map((store) => recoverOrphans(store, T0)));
      expect(found.flat().toSorted()).toEqual(ids);
      expect(await stores[0]!.events({ after: 0, limit: 99 })).toHaveLength(20);
    });

    it('are left alone once another process has taken the lease to resume them', async () => {
      await using database = await make();
      const store = await database.open();
      await store.write({ op: 'run.insert', run: sampleRun('r1') });
      await store.acquireLease('r1', sampleHolder('resumer'), T0, TTL);
      expect(await store.interruptOrphan('r1', T0 + 1, 'seen before the lease was taken')).toBe(false);
      expect((await store.getRun('r1'))?.status).toBe('running');
    });
  });
}

/** The identity of a process of this host that has ended. */
async function deadProcess(): Promise<LeaseHolder> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return { ...thisProcess(), pid: child.pid!, pidStartedAt: 'long ago' };
}
