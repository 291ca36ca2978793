import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Store } from '../contract.ts';
import type { MakeStore } from './store-under-test.ts';

const WRITER = fileURLToPath(new URL('writer-process.ts', import.meta.url));

/** Other processes on the same store, and processes that die. */
export function processesConformance(make: MakeStore): void {
  describe('processes', () => {
    it('write to one store at the same time without losing a row', async () => {
      await using database = await make();
      const writers = ['left', 'right'].map((runId) => startWriter(database.location, runId, 1_500));
      const codes = await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0] as number));
      expect(codes).toEqual([0, 0]);
      const store = await database.open();
      expect((await store.countGoals('left')).planned).toBe(1_500);
      expect((await store.countGoals('right')).planned).toBe(1_500);
      const events = await store.events({ after: 0, limit: 9_999 });
      expect(events).toHaveLength(3_000);
      expect(new Set(events.map((event) => event.seq)).size).toBe(3_000);
      expect(await store.getValue('shared')).toEqual({ count: 200 });
    });

    it('killed while writing leave everything they acknowledged, and no half of a write', async () => {
      await using database = await make();
      for (const [round, atLeast] of [1, 400, 1_300].entries()) {
        const runId = `killed-${round}`;
        const writer = startWriter(database.location, runId, 1_000_000);
        const acknowledged = await killAfter(writer, atLeast);
        const store = await database.open();
        const stored = await allIndices(store, runId);
        expect(acknowledged.length).toBeGreaterThanOrEqual(atLeast);
        expect(acknowledged.filter((index) => !stored.has(index))).toEqual([]);
        // Each goal was written together with an event: one never without the other.
        const events = await store.events({ runId, after: 0, limit: 1_000_000 });
        expect(new Set(events.map((event) => event.data['index']))).toEqual(stored);
        await store.close();
      }
    });

    it('open a new store at the same time and set it up once', async () => {
      await using database = await make();
      const writers = ['a', 'b', 'c'].map((runId) => startWriter(database.location, runId, 1));
      expect(await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0] as number))).toEqual([0, 0, 0]);
      const store = await database.open();
      expect(await store.events({ after: 0, limit: 9 })).toHaveLength(3);
    });

    it('change a value one after another, never over each other', async () => {
      await using database = await make();
      const stores = [await database.open(), await database.open()];
      await Promise.all(
        Array.from({ length: 100 }, (_, n) => stores[n % 2]!.updateValue('counter', (current) => ({ count: Number(current?.['count'] ?? 0) + 1 }))),
      );
      expect(await stores[0]!.getValue('counter')).toEqual({ count: 100 });
      await expect(stores[0]!.updateValue('counter', () => { throw new Error('no'); })).rejects.toThrow('no');
      expect(await stores[1]!.getValue('counter')).toEqual({ count: 100 });
    });
  });

  describe('closing', () => {
    it('waits for writes under way and refuses later ones', async () => {
      await using database = await make();
      const store = await database.open();
      const writes = Array.from({ length: 50 }, (_, n) => store.write({ op: 'event.add', event: { runId: 'r1', at: n, type: 't', data: {} } }));
      const closed = store.close();
      await expect(store.write({ op: 'event.add', event: { runId: 'r1', at: 99, type: 't', data: {} } })).rejects.toMatchObject({ code: 'store' });
      await expect(store.updateValue('v', () => ({}))).rejects.toMatchObject({ code: 'store' });
      await expect(store.purge({ runIds: ['r1'] })).rejects.toMatchObject({ code: 'store' });
      await Promise.all([...writes, closed, store.close()]);
      const again = await database.open();
      expect(await again.events({ after: 0, limit: 99 })).toHaveLength(50);
    });
  });
}

function startWriter(location: string, runId: string, count: number): ChildProcess {
  return spawn(process.execPath, [WRITER, location, runId, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Reads acknowledgements until there are enough, kills the writer, and returns all that came out whole before it died. */
async function killAfter(writer: ChildProcess, atLeast: number): Promise<number[]> {
  const acknowledged: number[] = [];
  for await (const line of createInterface({ input: writer.stdout! })) {
    acknowledged.push(Number(line));
    if (acknowledged.length === atLeast + 1) writer.kill('SIGKILL');
  }
  // The kill may have cut the last line.
  return acknowledged.slice(0, -1);
}

async function allIndices(store: Store, runId: string): Promise<Set<number>> {
  const indices = new Set<number>();
  for (let from = 0; ; ) {
    const page = await store.goals(runId, { from, limit: 1_000 });
    if (page.length === 0) return indices;
    for (const goal of page) indices.add(goal.index);
    from = page.at(-1)!.index + 1;
  }
}
