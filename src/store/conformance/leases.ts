import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { LeaseHolder } from '../../core/index.ts';
import { recoverOrphans } from '../orphans.ts';
import { thisProcess } from '../process-identity.ts';
import { sampleGoal, sampleHolder, sampleIntent, sampleRun, sampleSettlement, T0 } from './samples.ts';
import type { MakeStore } from './store-under-test.ts';

const TTL = 30_000;

const CALLER = fileURLToPath(new URL('caller-process.ts', import.meta.url));

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

  describe('calls in flight of a process that was killed', () => {
    it('are lost wherever they belong, and those of living processes stay', async () => {
      await using database = await make();
      const store = await database.open();
      const now = T0 + 100_000;
      await store.write({ op: 'run.insert', run: sampleRun('led') }, { op: 'call.open', intent: sampleIntent('mine') });
      await store.acquireLease('led', thisProcess(), now, TTL);
      const [killed, living] = await Promise.all(['killed', 'living'].map((name) => startCaller(database.location, 'led', name)));
      const inFlight = async (): Promise<string[]> => (await store.calls({})).filter((call) => call.settlement === null).map((call) => call.intent.id);
      try {
        expect(await recoverOrphans(store, now)).toEqual([]);
        expect(await inFlight()).toHaveLength(7);
        await kill(killed!);
        const asked: number[] = [];
        expect(await store.markLostOfDead((holder) => (asked.push(holder.pid), true), now)).toBe(0);
        expect(asked).toHaveLength(3);
        expect(new Set(asked)).toEqual(new Set([process.pid, killed!.pid!, living!.pid!]));
        expect(await recoverOrphans(store, now)).toEqual([]);
        expect(await inFlight()).toEqual(['living-1', 'living-2', 'living-3', 'mine']);
        // Its run goes on: only what the dead process had under way is over.
        expect(await store.getRun('led')).toMatchObject({ status: 'running' });
        await store.write({ op: 'call.settle', settlement: sampleSettlement('killed-1') }, { op: 'call.settle', settlement: sampleSettlement('mine') });
        expect((await store.calls({ runId: null })).map((call) => `${call.intent.id} ${call.settlement?.status}`)).toEqual(['killed-1 lost', 'living-1 undefined', 'mine ok']);
        expect((await store.sumCalls({ runId: 'led' }, 'all')).get('all')).toMatchObject({ calls: { total: 4, lost: 2, in_flight: 2 }, unknown_calls: 2 });
      } finally {
        await Promise.all([killed!, living!].map(kill));
      }
    });

    it('are marked once when two processes look at the same time', async () => {
      await using database = await make();
      const stores = [await database.open(), await database.open()];
      const caller = await startCaller(database.location, 'r1', 'gone');
      await kill(caller);
      const marked = await Promise.all(stores.map((store) => store.markLostOfDead((holder) => holder.pid !== caller.pid, T0)));
      expect(marked[0]! + marked[1]!).toBe(3);
    });
  });
}

/** A process that has three calls in flight. */
async function startCaller(location: string, runId: string, name: string): Promise<ChildProcess> {
  const caller = spawn(process.execPath, [CALLER, location, runId, name], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(caller.stdout, 'data');
  return caller;
}

async function kill(caller: ChildProcess): Promise<void> {
  if (caller.exitCode !== null || caller.signalCode !== null) return;
  const gone = once(caller, 'exit');
  caller.kill('SIGKILL');
  await gone;
}

/** The identity of a process of this host that has ended. */
async function deadProcess(): Promise<LeaseHolder> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return { ...thisProcess(), pid: child.pid!, pidStartedAt: 'long ago' };
}
