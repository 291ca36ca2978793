/**
 * What the limiter costs, and what two limiters that share a file reach together: one admit + settle + release after another in real
 * time, then three minutes of virtual time. Usage: node bench/limiter-cost.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, VirtualClock } from '../src/core/index.ts';
import { createLimiter, openSharedState, type Limits } from '../src/limiter/index.ts';
import { Provider, saturate, variedCall } from '../src/limiter/testing/traffic.ts';

const MINUTE = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'assay-limiter-'));
let files = 0;
const file = (): string => join(folder, `${files++}.db`);

/** Microseconds a call. */
async function cost(limits: Limits | undefined, calls: number, shared: boolean): Promise<number> {
  const state = shared ? openSharedState(file()) : undefined;
  const limiter = createLimiter({ clock: systemClock, limitsFor: () => limits, ...(state === undefined ? {} : { shared: state }) });
  const startedAt = performance.now();
  for (let i = 0; i < calls; i++) {
    const place = await limiter.admit({ deployment: 'd', promptTokens: 10, maxOutputTokens: 10 });
    place.settle({ promptTokens: 10, outputTokens: 5, costUsd: undefined });
    place.release();
  }
  const micros = ((performance.now() - startedAt) * 1_000) / calls;
  await limiter.close();
  state?.close();
  return micros;
}

async function together(limits: { readonly rpm?: number; readonly tpm?: number }): Promise<string> {
  const clock = new VirtualClock();
  const state = openSharedState(file());
  const provider = new Provider({ kind: 'sliding', ...limits, ...(limits.tpm === undefined ? {} : { counts: 'reserved' as const }) });
  const limiters = [0, 1].map(() => createLimiter({ clock, limitsFor: () => ({ ...limits, counts: 'reserved' }), shared: state, random: { next: () => 0.5 } }));
  const untilMs = clock.now() + 3 * MINUTE;
  const traffic = limiters.map((limiter, i) => saturate({ clock, limiter, provider, workers: 30, seed: 100 + i, untilMs, ...(limits.tpm === undefined ? {} : { call: variedCall }) }));
  await clock.advance(3 * MINUTE);
  const { served, servedTokens, refused } = provider;
  for (const limiter of limiters) await limiter.close();
  await clock.runAll(MINUTE);
  const calls = (await Promise.all(traffic)).map((each) => each.calls);
  state.close();
  const share = limits.tpm === undefined ? served / (limits.rpm! * 3) : servedTokens / (limits.tpm * 3);
  return `${(share * 100).toFixed(1)} %, split ${calls.join(' : ')}, ${refused} refused`;
}

const ample: Limits = { rpm: 1e9, tpm: 1e12 };
console.table([
  { where: 'memory', limits: 'none', 'µs a call': (await cost({ concurrency: 64 }, 200_000, false)).toFixed(1) },
  { where: 'memory', limits: 'rpm, tpm', 'µs a call': (await cost(ample, 200_000, false)).toFixed(1) },
  { where: 'shared file', limits: 'concurrency', 'µs a call': (await cost({ concurrency: 64 }, 20_000, true)).toFixed(1) },
  { where: 'shared file', limits: 'rpm, tpm', 'µs a call': (await cost(ample, 20_000, true)).toFixed(1) },
]);
console.log(`600 requests a minute together: ${await together({ rpm: 600 })}`);
console.log(`300,000 tokens a minute together: ${await together({ tpm: 300_000 })}`);
rmSync(folder, { recursive: true });
