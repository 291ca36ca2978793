import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { Holder } from './deployment-state.ts';
import { isAlive, newHolder } from './holder.ts';

describe('whoever holds places', () => {
  it('is alive as long as its thread is', async () => {
    const code = `import { parentPort } from 'node:worker_threads';
      import { newHolder } from ${JSON.stringify(new URL('holder.ts', import.meta.url).href)};
      parentPort.postMessage(newHolder(0));
      parentPort.on('message', () => {});`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    const [holder] = (await once(worker, 'message')) as [Holder];
    const own = newHolder(0);
    expect(holder.pid).toBe(own.pid);
    expect([isAlive(holder, 0), isAlive(own, 0)]).toEqual([true, true]);
    await worker.terminate();
    // Elsewhere than on Linux a thread's end is not told, and its process stands for it.
    expect([isAlive(holder, 0), isAlive(own, 0)]).toEqual([holder.pidStartedAt === '', true]);
  });

  it('is dead with its process, and is not mistaken for one that started later', () => {
    const own = newHolder(0);
    expect(isAlive({ ...own, pid: 2 ** 30, task: `${2 ** 30}` }, 0)).toBe(false);
    expect(isAlive({ ...own, pidStartedAt: '1' }, 0)).toBe(false);
  });

  it('of an older kind, that names no thread, is judged by its process', () => {
    const { task: _, ...own } = newHolder(0);
    expect(isAlive(own, 0)).toBe(true);
  });
});
