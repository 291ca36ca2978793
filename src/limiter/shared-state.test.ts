import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock, sleep, systemClock } from '../core/index.ts';
import type { Limits, Reservation } from './contract.ts';
import { SHARED_WITHIN_MS } from './deployment-books.ts';
import { inFlight } from './deployment-state.ts';
import { createLimiter } from './limiter.ts';
import { type SharedState, openSharedState } from './shared-state.ts';
import { NO_FACTS } from './testing/traffic.ts';

const DEPLOYMENT = 'shared';
const WORKER = join(import.meta.dirname, 'testing', 'shared-worker.ts');

let folder: string;
let path: string;
const opened: SharedState[] = [];

function open(): SharedState {
  const shared = openSharedState(path);
  opened.push(shared);
  return shared;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-shared-'));
  path = join(folder, 'store', 'limits.db');
});

afterEach(() => {
  for (const shared of opened.splice(0)) shared.close();
  rmSync(folder, { recursive: true });
});

function startWorker(limits: Limits, runMs: number, callMs: number): ChildProcess & { stdout: NonNullable<ChildProcess['stdout']> } {
  return spawn(process.execPath, [WORKER, path, JSON.stringify(limits), String(runMs), String(callMs)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function limiterOn(clock: VirtualClock, limits: Limits | undefined, options: { quotaUse?: () => Promise<number> } = {}) {
  return createLimiter({ clock, limitsFor: () => limits, shared: open(), random: { next: () => 0 }, ...options });
}

const request = { deployment: DEPLOYMENT, promptTokens: 10, maxOutputTokens: 10 };

function end(place: Reservation): void {
  place.settle({ promptTokens: 10, outputTokens: 10, costUsd: undefined });
  place.release();
}

/** Lets what calls that ended have changed be shared. */
function isShared(clock: VirtualClock): Promise<void> {
  return clock.advance(SHARED_WITHIN_MS);
}

describe('shared state in one file', () => {
  it('is readable by its owner alone, and makes the folder it lies in', () => {
    open();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('says what to do when the file is not one of its own', () => {
    open();
    const other = join(folder, 'other.db');
    writeFileSync(other, 'not a database, and long enough to be read as one '.repeat(50));
    expect(() => openSharedState(other)).toThrow(expect.objectContaining({ code: 'store_corrupt' }) as Error);
  });

  it('says so when it can not be written', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => openSharedState(join(folder, 'file', 'limits.db'))).toThrow(expect.objectContaining({ code: 'store' }) as Error);
  });

  it('keeps a concurrency bound over limiters, and hands slots on', async () => {
    const clock = new VirtualClock();
    const [a, b] = [limiterOn(clock, { concurrency: 2 }), limiterOn(clock, { concurrency: 2 })];
    const first = await a.admit(request);
    await b.admit(request);
    const waiting = b.admit(request);
    await clock.advance(1_000);
    expect(b.statsOf(DEPLOYMENT)).toMatchObject({ in_flight: 1, waiting: 1 });
    end(first);
    await clock.advance(100);
    await expect(waiting).resolves.toMatchObject({ waitedMs: expect.any(Number) as number });
    expect(b.statsOf(DEPLOYMENT)).toMatchObject({ in_flight: 2, waiting: 0 });
  });

  it('lets a limiter that holds less have the next slot, however many wait in the other', async () => {
    const clock = new VirtualClock();
    const [a, b] = [limiterOn(clock, { concurrency: 2 }), limiterOn(clock, { concurrency: 2 })];
    const busy = Array.from({ length: 20 }, async () => {
      const place = await a.admit(request);
      await sleep(clock, 1_000);
      end(place);
    });
    await clock.advance(500);
    const late = b.admit(request);
    await clock.advance(1_600);
    expect(b.statsOf(DEPLOYMENT)).toMatchObject({ in_flight: 1, waiting: 0 });
    end(await late);
    await clock.runAll();
    await Promise.all(busy);
  });

  it('shares pauses and what was learned from refusals', async () => {
    const clock = new VirtualClock();
    const [a, b] = [limiterOn(clock, { rpm: 600 }), limiterOn(clock, { rpm: 600 })];
    await a.admit(request);
    await b.admit({ ...request, promptTokens: 1 });
    a.observe({ deployment: DEPLOYMENT, sentAt: clock.now(), limited: true, rate: { ...NO_FACTS, retryAfterMs: 9_000 } });
    expect(b.statsOf(DEPLOYMENT).paused_until).toBe(clock.now() + 9_000);
  });

  it('counts one quota for all, and takes the ledger as the record when it is alone', async () => {
    const clock = new VirtualClock();
    const limits: Limits = { quota: { tokens: 1_000, period: 'day', alerts: [], onExhausted: 'stop' } };
    const a = limiterOn(clock, limits, { quotaUse: async () => 500 });
    end(await a.admit(request));
    const b = limiterOn(clock, limits, { quotaUse: async () => 111 });
    end(await b.admit(request));
    await isShared(clock);
    expect(a.statsOf(DEPLOYMENT).cumulative_tokens).toBe(540);
    await a.close();
    await b.close();
    const c = limiterOn(clock, limits, { quotaUse: async () => 540 });
    await c.admit(request);
    expect(c.statsOf(DEPLOYMENT)).toMatchObject({ cumulative_tokens: 540, quota_percentage: 54 });
  });

  it('is written once for all calls that begin in one turn, and with the next decision for those that have ended', async () => {
    let writes = 0;
    let within = false;
    const shared = open();
    const counted: SharedState = {
      ...shared,
      update: (deployment, now, change) => {
        if (!within) writes += 1;
        return shared.update(deployment, now, change);
      },
      together: (work) => {
        writes += 1;
        within = true;
        try {
          return shared.together(work);
        } finally {
          within = false;
        }
      },
    };
    const clock = new VirtualClock();
    const limiter = createLimiter({ clock, limitsFor: () => ({ tpm: 10_000 }), shared: counted });
    end(await limiter.admit(request));
    await isShared(clock);
    writes = 0;
    const places = await Promise.all(Array.from({ length: 10 }, () => limiter.admit(request)));
    expect(writes).toBe(1);
    await isShared(clock);
    writes = 0;
    for (const place of places.slice(0, 5)) end(place);
    await isShared(clock);
    expect(writes).toBe(1);
    for (const place of places.slice(5)) end(place);
    end(await limiter.admit(request));
    await isShared(clock);
    expect(writes).toBe(3);
    expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ cumulative_tokens: 240, in_flight: 0 });
    await limiter.close();
  });

  it('that cannot be written turns away those who asked, and books nothing for them', async () => {
    const clock = new VirtualClock();
    const shared = open();
    let failures = 0;
    const failing: SharedState = {
      ...shared,
      together: (work) =>
        shared.together(() => {
          const result = work();
          if (failures-- > 0) throw new Error('no space left');
          return result;
        }),
    };
    const limiter = createLimiter({ clock, limitsFor: () => ({ concurrency: 2, tpm: 10_000 }), shared: failing });
    end(await limiter.admit(request));
    await isShared(clock);
    const [a, b] = [await limiter.admit(request), await limiter.admit(request)];
    failures = 2;
    end(a);
    const asking = Promise.allSettled(Array.from({ length: 3 }, () => limiter.admit(request)));
    await isShared(clock);
    const asked = await asking;
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect((asked[0] as PromiseRejectedResult).reason).toMatchObject({ code: 'store', message: expect.stringContaining('no space left') as string });
    expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ in_flight: 2, waiting: 0, cumulative_tokens: 40 });
    end(b);
    end((asked[2] as PromiseFulfilledResult<Reservation>).value);
    expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ in_flight: 0, cumulative_tokens: 80 });
    expect(shared.read(DEPLOYMENT, clock.now(), inFlight)).toBe(0);
    await limiter.close();
  });

  it('keeps windows over a restart without replaying what it remembers', async () => {
    const clock = new VirtualClock();
    const a = limiterOn(clock, { rpm: 10 });
    end(await a.admit(request));
    await a.close();
    const shared = open();
    const b = createLimiter({ clock, limitsFor: () => ({ rpm: 10 }), shared, history: async () => [{ at: clock.now(), tokens: 20 }] });
    const waiting = b.admit(request);
    await clock.advance(7_000);
    await waiting;
    expect(b.statsOf(DEPLOYMENT).utilization).toBe(0.2);
  });

  it('makes good later what it could not write when it was due', async () => {
    const clock = new VirtualClock();
    const shared = open();
    let broken = false;
    const flaky: SharedState = {
      ...shared,
      update: (deployment, now, change) => {
        if (broken) throw new Error('disk');
        return shared.update(deployment, now, change);
      },
    };
    const limiter = createLimiter({ clock, limitsFor: () => ({ concurrency: 1 }), shared: flaky });
    const place = await limiter.admit(request);
    broken = true;
    end(place);
    await expect(limiter.admit(request)).rejects.toThrow('disk');
    broken = false;
    end(await limiter.admit(request));
    expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ in_flight: 0, cumulative_tokens: 40 });
  });
});

describe('two processes on one file', () => {
  it('together never take more than the limit over any window, and both get their turn', async () => {
    const limits: Limits = { rps: 40 };
    const workers = [startWorker(limits, 2_500, 5), startWorker(limits, 2_500, 5)];
    const ended = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    const times = (await Promise.all(workers.map((worker) => text(worker.stdout)))).map((output) => output.trim().split('\n').map(Number));
    expect(await Promise.all(ended)).toEqual([0, 0]);
    const all = times.flat().toSorted((a, b) => a - b);
    expect(all.length).toBeGreaterThan(40);
    for (const [index, at] of all.entries()) {
      const within = all.slice(index).filter((other) => other < at + 1_000).length;
      expect(within).toBeLessThanOrEqual(40);
    }
    for (const own of times) expect(own.length).toBeGreaterThan(5);
  });

  it('frees the slots of one that was killed', async () => {
    const worker = startWorker({ concurrency: 3 }, 60_000, 60_000);
    let seen = '';
    for await (const chunk of worker.stdout) {
      seen += String(chunk);
      if (seen.trim().split('\n').length === 3) break;
    }
    const shared = open();
    const held = (): number => shared.read(DEPLOYMENT, systemClock.now(), inFlight);
    expect(held()).toBe(3);
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.kill('SIGKILL');
    await exited;
    const limiter = createLimiter({ clock: systemClock, limitsFor: () => ({ concurrency: 3 }), shared });
    const places = await Promise.all([limiter.admit(request), limiter.admit(request), limiter.admit(request)]);
    expect(held()).toBe(3);
    for (const place of places) end(place);
    await expect.poll(held).toBe(0);
    await limiter.close();
  });
});
