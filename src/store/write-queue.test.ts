import { describe, expect, it } from 'vitest';
import type { Backend, OpSteps, WriteResult } from './backend.ts';
import { StoreError } from './store-error.ts';
import { QUEUE_BOUNDS, WriteQueue } from './write-queue.ts';

/** A backend that records the batches it is given and commits each when told to. */
function recordingBackend(): { backend: Backend; batches: unknown[][]; release: () => void; hold: () => void; fail: (error: Error | undefined) => void } {
  const batches: unknown[][] = [];
  let gate = Promise.withResolvers<void>();
  let failure: Error | undefined;
  gate.resolve();
  const commit = async (batch: readonly (readonly OpSteps[])[]): Promise<readonly WriteResult[]> => {
    batches.push(batch.map((write) => write[0]?.[0]?.values[0]));
    await gate.promise;
    if (failure !== undefined) throw failure;
    return batch.map((write) => (write[0]?.[0]?.values[0] === 'bad' ? { error: new StoreError({ code: 'store', message: 'bad' }) } : { changed: batch.length }));
  };
  return {
    backend: { commit } as unknown as Backend,
    batches,
    hold: () => void (gate = Promise.withResolvers()),
    release: () => gate.resolve(),
    fail: (error) => void (failure = error),
  };
}

const write = (value: string): (() => readonly OpSteps[]) => () => [[{ sql: 's', values: [value] }]];

describe('group commit', () => {
  it('puts writes of one turn into one commit, in order', async () => {
    const { backend, batches } = recordingBackend();
    const queue = new WriteQueue(backend);
    expect(await Promise.all(['a', 'b', 'c'].map((value) => queue.submit(write(value))))).toEqual([3, 3, 3]);
    await queue.submit(write('d'));
    expect(batches).toEqual([['a', 'b', 'c'], ['d']]);
  });

  it('gathers what is written while a commit is under way into the next one', async () => {
    const { backend, batches, hold, release } = recordingBackend();
    const queue = new WriteQueue(backend);
    hold();
    const first = queue.submit(write('a'));
    await expect.poll(() => batches.length).toBe(1);
    const others = ['b', 'c'].map((value) => queue.submit(write(value)));
    release();
    await Promise.all([first, ...others]);
    expect(batches).toEqual([['a'], ['b', 'c']]);
  });

  it('ends a commit at its bounds, yet always takes one write', async () => {
    const { backend, batches } = recordingBackend();
    const queue = new WriteQueue(backend, { ...QUEUE_BOUNDS, commitStatements: 2, commitWeight: 10 });
    await Promise.all(['a', 'b', 'c', 'x'.repeat(50), 'd', 'e'].map((value) => queue.submit(write(value))));
    expect(batches.map((batch) => batch.length)).toEqual([2, 1, 1, 2]);
  });

  it('rejects the write that was refused alone, and all of a batch that was not committed', async () => {
    const { backend, fail } = recordingBackend();
    const queue = new WriteQueue(backend);
    const mixed = await Promise.allSettled(['a', 'bad', 'c'].map((value) => queue.submit(write(value))));
    expect(mixed.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    fail(new StoreError({ code: 'store_full', message: 'full' }));
    const failed = await Promise.allSettled(['a', 'b'].map((value) => queue.submit(write(value))));
    expect(failed.map((result) => result.status)).toEqual(['rejected', 'rejected']);
    fail(undefined);
    expect(await queue.submit(write('again'))).toBe(1);
  });

  it('goes on after a write that cannot be encoded', async () => {
    const { backend, batches } = recordingBackend();
    const queue = new WriteQueue(backend);
    const broken = (): never => {
      throw new TypeError('circular');
    };
    await expect(queue.submit(broken)).rejects.toThrow('circular');
    await queue.drained();
    await queue.submit(write('a'));
    expect(batches).toEqual([['a']]);
  });
});

describe('back-pressure', () => {
  it('encodes no more than the bound and admits the rest in order as room is made', async () => {
    const { backend, batches, hold, release } = recordingBackend();
    const queue = new WriteQueue(backend, { ...QUEUE_BOUNDS, pendingWrites: 3, commitStatements: 2 });
    let encoded = 0;
    hold();
    const values = Array.from({ length: 10 }, (_, n) => String(n));
    const done = Promise.all(
      values.map((value) =>
        queue.submit(() => {
          encoded++;
          return write(value)();
        }),
      ),
    );
    await expect.poll(() => batches.length).toBe(1);
    expect(encoded).toBe(3);
    // There is room now that a batch is being committed, but those who wait come first.
    const late = queue.submit(write('late'));
    release();
    await Promise.all([done, late]);
    expect(encoded).toBe(10);
    expect(batches.flat()).toEqual([...values, 'late']);
  });

  it('counts the text that waits, not only the number of writes', async () => {
    const { backend, hold, release } = recordingBackend();
    const queue = new WriteQueue(backend, { ...QUEUE_BOUNDS, pendingWeight: 100 });
    let encoded = 0;
    hold();
    const large = (): readonly OpSteps[] => {
      encoded++;
      return write('x'.repeat(60))();
    };
    const done = Promise.all([1, 2, 3, 4].map(() => queue.submit(large)));
    expect(encoded).toBe(2);
    release();
    await done;
    expect(encoded).toBe(4);
  });
});

describe('closing', () => {
  it('waits for every write, also those that wait for room, and refuses new ones', async () => {
    const { backend, batches } = recordingBackend();
    const queue = new WriteQueue(backend, { ...QUEUE_BOUNDS, pendingWrites: 1 });
    const writes = ['a', 'b', 'c'].map((value) => queue.submit(write(value)));
    const closed = queue.close();
    await expect(queue.submit(write('late'))).rejects.toMatchObject({ code: 'store' });
    await closed;
    expect(batches.flat()).toEqual(['a', 'b', 'c']);
    await Promise.all(writes);
  });
});
