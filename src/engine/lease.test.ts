import { describe, expect, it } from 'vitest';
import type { AssayError, Goal, Outcome } from '../core/index.ts';
import type { GoalContext } from './contract.ts';
import { LEASE_TTL_MS } from './lease-keeper.ts';
import { askOnce, Bench, gate, holder, storeWith, suiteOf, WON } from './testing/bench.ts';

describe("a run's lease", () => {
  it('keeps a second executor out, which changes nothing', async () => {
    await using bench = await Bench.open();
    const open = gate();
    let started = 0;
    const running = bench.execute(suiteOf(4, { execute: async (goal, ctx) => (started++, await open.opened, askOnce(goal, ctx)) }), { parallel: 2 });
    await bench.until(() => started === 2);
    const before = [await bench.run(), await bench.allGoals(), await bench.events()];
    await expect(bench.execute(suiteOf(4))).rejects.toMatchObject({ code: 'lease_held', message: expect.stringContaining(`process ${process.pid}`) as unknown });
    expect([await bench.run(), await bench.allGoals(), await bench.events()]).toEqual(before);
    open.open();
    expect((await running).status).toBe('completed');
    expect(bench.calls).toBe(4);
  });

  it('lets exactly one of several executors that start together through', async () => {
    await using bench = await Bench.open();
    const ends = await Promise.allSettled(Array.from({ length: 5 }, () => bench.execute(suiteOf(10))));
    expect(ends.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
    expect(ends.flatMap((end) => (end.status === 'rejected' ? [(end.reason as AssayError).code] : []))).toEqual(Array(4).fill('lease_held'));
    expect(bench.calls).toBe(10);
  });

  it('of a dead process is taken over at once', async () => {
    await using bench = await Bench.open();
    // No process has this start time, whoever has the number.
    const dead = holder({ id: 'dead', pidStartedAt: 'boot:0' });
    await bench.store.acquireLease(bench.runId, dead, bench.clock.now(), LEASE_TTL_MS);
    expect((await bench.execute(suiteOf(3))).status).toBe('completed');
  });

  it('of another host is respected until it expires', async () => {
    await using bench = await Bench.open();
    await bench.store.acquireLease(bench.runId, holder({ id: 'far', host: 'elsewhere' }), bench.clock.now(), LEASE_TTL_MS);
    await expect(bench.execute(suiteOf(3))).rejects.toMatchObject({ code: 'lease_held', message: expect.stringContaining('elsewhere') as unknown });
    await bench.clock.advance(LEASE_TTL_MS + 1);
    expect((await bench.execute(suiteOf(3))).status).toBe('completed');
  });

  it('is renewed for as long as the run takes', async () => {
    await using bench = await Bench.open();
    const open = gate();
    let started = false;
    const running = bench.execute(suiteOf(1, { execute: async () => ((started = true), await open.opened, WON) }));
    await bench.until(() => started);
    for (let minute = 0; minute < 10; minute++) {
      for (let step = 0; step < 60; step++) await bench.clock.advance(1_000);
      expect((await bench.store.getLease(bench.runId))!.expiresAt).toBeGreaterThan(bench.clock.now());
    }
    open.open();
    expect((await running).status).toBe('completed');
  });

  /** Takes the run away from whoever executes it, as another host does that finds its lease expired. */
  async function takeOver(bench: Bench): Promise<void> {
    const lease = await bench.store.getLease(bench.runId);
    await bench.store.breakLease(bench.runId, lease!.holder.id);
    await bench.store.acquireLease(bench.runId, holder({ id: 'other', host: 'elsewhere' }), bench.clock.now(), 10 * LEASE_TTL_MS);
  }

  it('that went to another aborts what is in flight, and nothing more is written', async () => {
    await using bench = await Bench.open();
    let started = 0;
    let aborted = 0;
    const execute = async (_goal: Goal, ctx: GoalContext): Promise<Outcome> => {
      started++;
      await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve(), { once: true }));
      aborted++;
      return WON;
    };
    const running = bench.execute(suiteOf(4, { execute }));
    const raised = running.catch((error: unknown) => error);
    await bench.until(() => started === 4);
    await takeOver(bench);
    const before = [await bench.run(), await bench.allGoals(), await bench.events()];
    for (let step = 0; step < 10; step++) await bench.clock.advance(1_000);
    expect(await raised).toMatchObject({ code: 'lease_held', message: expect.stringContaining('taken over') as unknown });
    expect(aborted).toBe(4);
    expect(await bench.run()).toEqual(before[0]);
    expect(await bench.allGoals()).toEqual(before[1]);
    // The other goes on with it, and keeps its lease.
    expect((await bench.store.getLease(bench.runId))!.holder.id).toBe('other');
    expect((await bench.events('run.status')).at(-1)).toMatchObject({ data: { status: 'running' } });
  });

  it('that ran out while the process slept is looked at before the next write', async () => {
    await using bench = await Bench.open();
    const asleep = gate();
    let started = false;
    // A process that is stopped: time passes, and none of its timers fire.
    const frozen = { now: () => bench.clock.now() + (woken ? 10 * LEASE_TTL_MS : 0), after: () => () => {} };
    let woken = false;
    const running = bench.execute(suiteOf(1, { execute: async () => ((started = true), await asleep.opened, WON) }), { clock: frozen });
    const raised = running.catch((error: unknown) => error);
    await bench.until(() => started);
    await takeOver(bench);
    woken = true;
    asleep.open();
    expect(await raised).toMatchObject({ code: 'lease_held' });
    expect(await bench.outcomes()).toEqual([null]);
  });

  it('that ran out and was taken by nobody is renewed, and the run goes on', async () => {
    await using bench = await Bench.open();
    const asleep = gate();
    let started = false;
    let woken = false;
    const frozen = { now: () => bench.clock.now() + (woken ? 10 * LEASE_TTL_MS : 0), after: () => () => {} };
    const running = bench.execute(suiteOf(1, { execute: async () => ((started = true), await asleep.opened, WON) }), { clock: frozen });
    await bench.until(() => started);
    woken = true;
    asleep.open();
    expect((await running).status).toBe('completed');
    expect(await bench.outcomes()).toEqual(['attack_succeeded']);
  });

  it('survives a heartbeat that fails', async () => {
    await using bench = await Bench.open();
    const open = gate();
    let started = false;
    let beats = 0;
    const { store } = bench;
    const flaky = storeWith(store, { renewLease: (...args) => (++beats % 2 === 1 ? Promise.reject(new Error('busy')) : store.renewLease(...args)) });
    const running = bench.execute(suiteOf(1, { execute: async () => ((started = true), await open.opened, WON) }), { store: flaky });
    await bench.until(() => started);
    for (let step = 0; step < 60; step++) await bench.clock.advance(1_000);
    expect(beats).toBeGreaterThan(8);
    open.open();
    expect((await running).status).toBe('completed');
  });
});
