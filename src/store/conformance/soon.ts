import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallOp, Store } from '../contract.ts';
import { recoverOrphans } from '../orphans.ts';
import { sampleFork, sampleGoal, sampleHolder, sampleIntent, sampleRun, sampleSettlement, T0 } from './samples.ts';
import type { MakeStore } from './store-under-test.ts';

const WRITER = fileURLToPath(new URL('soon-process.ts', import.meta.url));

const open = (id: string, runId = 'r1'): CallOp => ({ op: 'call.open', intent: sampleIntent(id, { scope: { runId } }) });
const settle = (id: string): CallOp => ({ op: 'call.settle', settlement: sampleSettlement(id) });

/** Calls that are acknowledged before they are committed. */
export function soonConformance(make: MakeStore): void {
  describe('writeSoon', () => {
    it('is seen by reads of the same store at once, and by others once it is committed', async () => {
      await using database = await make();
      const store = await database.open();
      await store.writeSoon(open('a'), { op: 'fork.add', fork: sampleFork('r1', 'b', 'a0') });
      expect((await store.calls({ runId: 'r1' })).map(({ settlement }) => settlement)).toEqual([null]);
      await store.writeSoon(settle('a'));
      expect((await store.sumCalls({ runId: 'r1' }, 'all')).get('all')?.calls.ok).toBe(1);
      await store.writeSoon(open('c'), settle('c'));
      const other = await database.open();
      await expect.poll(async () => (await other.calls({ runId: 'r1' })).map(({ intent, settlement }) => [intent.id, settlement?.status])).toEqual([['a', 'ok'], ['c', 'ok']]);
    });

    it('leaves the rows that write leaves, whatever is written how, by turns, more than once, with reads in between', async () => {
      const ids = ['c1', 'c2', 'c3', 'c4'];
      const step = fc.record({ id: fc.constantFrom(...ids), kind: fc.constantFrom('open', 'settle', 'other settle', 'fork', 'lost'), soon: fc.boolean(), next: fc.constantFrom('go on', 'go on', 'read', 'wait') });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          await using database = await make();
          await using reference = await make();
          const [store, plain] = [await database.open(), await reference.open()];
          const writes: Promise<unknown>[] = [];
          const opened = new Set<string>();
          for (const { id, kind, soon, next } of steps) {
            // Nobody settles a call that was never opened.
            if (kind === 'open') opened.add(id);
            else if (kind.endsWith('settle') && !opened.has(id)) continue;
            if (kind === 'lost') writes.push(store.markLost('r1', T0), plain.markLost('r1', T0));
            else {
              const op = opOf(kind, id);
              writes.push(soon ? store.writeSoon(op) : store.write(op), plain.write(op));
            }
            if (next === 'read') await store.calls({});
            if (next === 'wait') await Promise.all(writes);
          }
          await Promise.all(writes);
          expect(await store.calls({})).toEqual(await plain.calls({}));
          expect(await store.sumBranches({})).toEqual(await plain.sumBranches({}));
        }),
        { numRuns: 30 },
      );
    });

    it('is committed before what is written later', async () => {
      await using database = await make();
      const [store, other] = [await database.open(), await database.open()];
      for (let n = 0; n < 50; n++) {
        void store.writeSoon(open(`c${n}`));
        if (n % 2 === 0) void store.writeSoon(settle(`c${n}`));
        await store.write({ op: 'goal.plan', goal: sampleGoal('r1', n) });
        expect((await other.sumCalls({ runId: 'r1' }, 'all')).get('all')?.calls.total).toBe(n + 1);
      }
    });

    it('is there when calls are marked lost or their run is interrupted, and what settles afterwards is too late', async () => {
      await using database = await make();
      const store = await database.open();
      await store.write({ op: 'run.insert', run: sampleRun('r1') }, { op: 'run.insert', run: sampleRun('r2') });
      await store.writeSoon(open('a'), open('b'));
      await store.writeSoon(settle('b'));
      expect(await store.markLost('r1', T0)).toBe(1);
      await store.writeSoon(open('c', 'r2'));
      expect(await store.interruptOrphan('r2', T0, 'gone')).toBe(true);
      await store.writeSoon(settle('a'));
      await store.writeSoon(settle('c'));
      expect((await store.calls({})).map(({ intent, settlement }) => [intent.id, settlement?.status])).toEqual([['a', 'lost'], ['b', 'ok'], ['c', 'lost']]);
    });

    it('is forgotten by a purge and does not come back', async () => {
      await using database = await make();
      const store = await database.open();
      await store.write({ op: 'run.insert', run: sampleRun('gone') });
      await store.writeSoon(open('a', 'gone'), open('b', 'kept'));
      await store.writeSoon(settle('a'));
      expect(await store.purge({ runIds: ['gone'] })).toEqual({ runs: 1, calls: 1 });
      await store.writeSoon(settle('a'));
      await store.close();
      const again = await database.open();
      expect((await again.calls({})).map(({ intent }) => intent.id)).toEqual(['b']);
    });

    it('is committed by close and by flushNow, and refused once the store is closed', async () => {
      await using database = await make();
      const [store, other] = [await database.open(), await database.open()];
      await store.writeSoon(open('a'), settle('a'));
      const flushed = store.flushNow();
      const seen = (await other.calls({})).map(({ intent }) => intent.id);
      expect(flushed ? seen : ['a']).toEqual(['a']);
      await store.writeSoon(open('b'));
      const closed = store.close();
      await expect(store.writeSoon(open('c'))).rejects.toMatchObject({ code: 'store' });
      await closed;
      await expect(store.writeSoon(open('d'))).rejects.toMatchObject({ code: 'store' });
      expect((await other.calls({})).map(({ intent }) => intent.id)).toEqual(['a', 'b']);
    });

    it('refuses an intent that is none, as write does', async () => {
      await using database = await make();
      const store = await database.open();
      await expect(store.writeSoon({ op: 'call.open', intent: sampleIntent('bad', { reservedTokens: Number.NaN }) })).rejects.toMatchObject({ code: 'store' });
      await store.writeSoon(open('good'));
      expect((await store.calls({})).map(({ intent }) => intent.id)).toEqual(['good']);
    });

    it('outlives a process that is killed at any moment: every acknowledged write is there once, and calls in flight are lost', { timeout: 120_000 }, async () => {
      await using database = await make();
      const watching = await database.open();
      for (let round = 0; round < 12; round++) {
        const runId = `killed-${round}`;
        const told = await killAfter(startWriter(database.location, runId), 20 + ((round * 397) % 1_500));
        // By turns whoever opens the store, and whoever had it open before.
        const store = round % 2 === 0 ? await database.open() : watching;
        await expectToldOf(store, runId, told);
        const inFlight = (await store.sumCalls({ runId }, 'all')).get('all')!.calls.in_flight;
        expect(await recoverOrphans(store, T0 + 60_000)).toEqual([runId]);
        const { calls } = (await store.sumCalls({ runId }, 'all')).get('all')!;
        expect([calls.in_flight, calls.lost]).toEqual([0, inFlight]);
        await expectToldOf(store, runId, told);
        if (store !== watching) await store.close();
      }
    });

    it('is recovered once by however many open the store at the same time, while others go on writing', { timeout: 60_000 }, async () => {
      await using database = await make();
      const alive = await database.open();
      const writers = ['left', 'right'].map((runId) => startWriter(database.location, runId));
      const told = await Promise.all(writers.map((writer) => killAfter(writer, 500)));
      const writing = Array.from({ length: 200 }, (_, n) => alive.writeSoon(open(`alive-${n}`, 'alive'), settle(`alive-${n}`)));
      const stores = await Promise.all(Array.from({ length: 6 }, () => database.open()));
      await Promise.all([...writing, ...stores.map((store) => store.markLostOfDead((holder) => holder.pid === process.pid, T0))]);
      await expectToldOf(stores[0]!, 'left', told[0]!);
      await expectToldOf(stores[1]!, 'right', told[1]!);
      expect((await stores[2]!.sumCalls({ runId: 'left' }, 'all')).get('all')?.calls.in_flight).toBe(0);
      expect((await alive.sumCalls({ runId: 'alive' }, 'all')).get('all')?.calls.ok).toBe(200);
    });

    it('of a process that was killed is purged with its run', { timeout: 30_000 }, async () => {
      await using database = await make();
      await (await database.open()).close();
      await killAfter(startWriter(database.location, 'gone'), 300);
      const store = await database.open();
      await store.purge({ runIds: ['gone'] });
      await store.recover();
      const again = await database.open();
      expect(await again.calls({ runId: 'gone' })).toEqual([]);
    });

    it('leaves a lease to its holder', async () => {
      await using database = await make();
      const store = await database.open();
      await store.writeSoon(open('a'));
      const holder = sampleHolder('h');
      await store.acquireLease('r1', holder, T0, 1_000);
      await store.writeSoon(settle('a'));
      expect(await store.renewLease('r1', holder, T0 + 1, 1_000)).toBe(true);
      await store.releaseLease('r1', holder);
      expect((await store.calls({}))[0]?.settlement?.status).toBe('ok');
    });
  });
}

function opOf(kind: string, id: string): CallOp {
  if (kind === 'open') return open(id);
  if (kind === 'fork') return { op: 'fork.add', fork: sampleFork('r1', 'a/b', id) };
  return { op: 'call.settle', settlement: sampleSettlement(id, kind === 'settle' ? {} : { status: 'timeout', error: 'too late' }) };
}

function startWriter(location: string, runId: string): ChildProcess {
  return spawn(process.execPath, [WRITER, location, runId], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Reads acknowledgements until there are enough, kills the writer, and returns all that came out whole before it died. */
async function killAfter(writer: ChildProcess, atLeast: number): Promise<string[]> {
  const told: string[] = [];
  const gone = once(writer, 'exit');
  for await (const line of createInterface({ input: writer.stdout! })) {
    told.push(line);
    if (told.length === atLeast + 1) writer.kill('SIGKILL');
  }
  await gone;
  expect(told.length).toBeGreaterThanOrEqual(atLeast);
  // The kill may have cut the last line.
  return told.slice(0, -1);
}

async function expectToldOf(store: Store, runId: string, told: readonly string[]): Promise<void> {
  const calls = await store.calls({ runId }, { limit: 1_000_000 });
  const goals = await store.goals(runId, { from: 0, limit: 1_000_000 });
  const branches = await store.sumBranches({ runId });
  const stored = new Set([
    ...calls.map(({ intent }) => `open ${intent.id}`),
    ...calls.flatMap(({ intent, settlement }) => (settlement?.status === 'ok' ? [`settle ${intent.id}`] : [])),
    ...goals.map(({ index }) => `goal ${index}`),
  ]);
  expect(told.filter((line) => !stored.has(line))).toEqual([]);
  expect(new Set(calls.map(({ intent }) => intent.id)).size).toBe(calls.length);
  // Each branch was entered with its only call, which knows what came before it.
  const inBranches = calls.flatMap(({ intent }) => intent.scope.branch ?? []);
  expect(branches.flatMap(({ branch, preFork }) => (branch === null || preFork === null ? [] : [branch])).toSorted(byText)).toEqual(inBranches.toSorted(byText));
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
