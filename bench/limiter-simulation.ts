/**
 * Prints the tables of docs/design/limiter.md, in virtual time: run it with `node bench/limiter-simulation.ts`.
 */
import { VirtualClock } from '../src/core/index.ts';
import { createLimiter } from '../src/limiter/index.ts';
import { SERVER_KINDS, type ServerKind } from '../src/limiter/testing/servers.ts';
import { Provider, type ProviderOptions, otherTenant, saturate, variedCall } from '../src/limiter/testing/traffic.ts';

const MINUTE = 60_000;
const TENANT_TOKENS = 1_000;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

interface Load {
  readonly name: string;
  readonly limits: { readonly rpm?: number; readonly tpm?: number };
  readonly counts?: ProviderOptions['counts'];
  readonly workers: number;
}

const LOADS: readonly Load[] = [
  { name: '12 rpm', limits: { rpm: 12 }, workers: 4 },
  { name: '60 rpm', limits: { rpm: 60 }, workers: 10 },
  { name: '600 rpm', limits: { rpm: 600 }, workers: 50 },
  { name: '3,000 rpm', limits: { rpm: 3_000 }, workers: 200 },
  { name: '300k tpm, reserved', limits: { tpm: 300_000 }, counts: 'reserved', workers: 30 },
  { name: '2M tpm, reserved', limits: { tpm: 2_000_000 }, counts: 'reserved', workers: 100 },
  { name: '300k tpm, as used', limits: { tpm: 300_000 }, counts: 'finished', workers: 40 },
  { name: '2M tpm, as used', limits: { tpm: 2_000_000 }, counts: 'finished', workers: 150 },
];

async function measure(load: Load, kind: ServerKind, headers: boolean, seed: number, minutes: number, tenant: boolean) {
  const { limits, counts } = load;
  const clock = new VirtualClock(1_750_000_000_000 + seed * 7_919);
  const provider = new Provider({ kind, ...limits, headers, phaseMs: seed * 3_333, ...(counts === undefined ? {} : { counts }) });
  const told = { ...limits, counts: counts === 'reserved' ? 'reserved' : 'actual' } as const;
  const limiter = createLimiter({ clock, limitsFor: () => told, random: { next: () => 0.5 } });
  const untilMs = clock.now() + minutes * MINUTE;
  const perMinute = 0.3 * (limits.rpm ?? limits.tpm! / TENANT_TOKENS);
  const half = TENANT_TOKENS / 2;
  const other = tenant ? otherTenant({ clock, provider, perMinute, call: { prompt: half, max: half, output: half }, seed, untilMs }) : Promise.resolve(0);
  const traffic = saturate({ clock, limiter, provider, workers: load.workers, seed, untilMs, ...(limits.tpm === undefined ? {} : { call: variedCall }) });
  await clock.advance(minutes * MINUTE);
  const { served, servedTokens } = provider;
  await limiter.close();
  await clock.runAll(MINUTE);
  const figures = await traffic;
  const others = (await other) * (limits.rpm === undefined ? TENANT_TOKENS : 1);
  const share = ((limits.rpm === undefined ? servedTokens : served) - others) / ((limits.rpm ?? limits.tpm!) * minutes - others);
  return { share: share * 100, refused: figures.refused, refusedShare: (figures.refused / figures.calls) * 100, failed: figures.failed };
}

process.stdout.write('| limit | headers | bucket 5 s | fixed | sliding | 10 s sub-windows |\n| --- | --- | --- | --- | --- | --- |\n');
for (const load of LOADS) {
  for (const headers of [false, true]) {
    const cells: string[] = [];
    for (const kind of SERVER_KINDS) {
      const { share, refused } = await measure(load, kind, headers, 1, 5, false);
      cells.push(`${share.toFixed(1)} %${refused === 0 ? '' : `, ${refused} refused`}`);
    }
    process.stdout.write(`| ${[load.name, headers ? 'yes' : 'no', ...cells].join(' | ')} |\n`);
  }
}

process.stdout.write('\nWith another tenant: least / mean share, most refused, failed calls\n\n');
for (const load of LOADS.slice(1)) {
  for (const headers of [false, true]) {
    const cells: string[] = [];
    for (const kind of SERVER_KINDS) {
      const runs = [];
      for (const seed of SEEDS) runs.push(await measure(load, kind, headers, seed, 10, true));
      const shares = runs.map(({ share }) => share);
      const failed = runs.reduce((sum, run) => sum + run.failed, 0);
      const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
      const most = Math.max(...runs.map(({ refusedShare }) => refusedShare));
      cells.push(`${Math.min(...shares).toFixed(1)} / ${mean.toFixed(1)} %, ${most.toFixed(2)} %${failed === 0 ? '' : `, ${failed} FAILED`}`);
    }
    process.stdout.write(`| ${[load.name, headers ? 'yes' : 'no', ...cells].join(' | ')} |\n`);
  }
}
