/**
 * How much of a known limit is used, and how many 429s that costs, against servers of four kinds: one process, two processes
 * that share one store, and one process beside another tenant that takes 30 % unseen, in real time. The six cases of a kind run
 * side by side, the kinds one after another. Usage: node bench/rate-limits.ts [seconds] [kind …]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCli, startSimulatorProcess, type SimulatorProcess } from '../test/support/processes.ts';

const RPM = 600;
const MAX_OUTPUT = 64;
const seconds = Number(process.argv[2] ?? 180);

interface Case {
  readonly kind: string;
  readonly bound: 'requests' | 'tokens';
  readonly scenario: 'one process' | 'two processes' | 'other tenant';
}

interface Stats {
  readonly requests: { readonly received: number; readonly ok: number; readonly rate_limited: number };
  readonly tokens: { readonly prompt_tokens: number };
}

const named = process.argv.slice(3);
const kinds = named.length > 0 ? named : ['token-bucket', 'fixed-window', 'sliding-window', 'sub-windows'];

const cwd = await mkdtemp(join(tmpdir(), 'assay-rates-'));
const prompts = join(cwd, 'prompts.txt');
// Lengths differ, so tokens cannot be counted in requests.
await writeFile(prompts, Array.from({ length: 20_000 }, (_, i) => `Item ${i}: ${'tell me a little more about it, please. '.repeat(1 + (i % 5))}\n`).join(''));
try {
  for (const kind of kinds) {
    const cases = (['requests', 'tokens'] as const).flatMap((bound) => (['one process', 'two processes', 'other tenant'] as const).map((scenario) => ({ kind, bound, scenario })));
    const rows = await Promise.all(
      cases.map(async (each, i) => {
        // One starts after the other, so that loading does not stall them all.
        await new Promise((resolve) => setTimeout(resolve, i * 2_500));
        return measure(each, join(cwd, `${kind}-${i}`));
      }),
    );
    console.table(rows);
  }
} finally {
  await rm(cwd, { recursive: true, force: true });
}

async function measure({ kind, bound, scenario }: Case, place: string): Promise<object> {
  const tpm = bound === 'requests' ? 120_000 : 40_000;
  await using simulator = await startSimulatorProcess({
    seed: 1,
    limits: { kind, rpm: RPM, tpm, countAtAdmission: 'reserved', ...(scenario === 'other tenant' ? { otherTenant: 0.3 } : {}) },
    profiles: { weak: { behaviour: 'weak', latency: { minMs: 50, maxMs: 900 } } },
  });
  const config = `${place}.yaml`;
  const host = new URL(simulator.url).host;
  await writeFile(config, `deployments:\n  'compat/${host}/weak': { rpm: ${RPM}, tpm: ${tpm}, counts: reserved }\n`);
  const args = ['--config', config, 'run', 'probes.custom', '--prompts', prompts, '--detector', 'contains:never', '--target', `compat:${simulator.url}/v1#weak`, '--max-output-tokens', String(MAX_OUTPUT), '--parallel', '64', '--quiet', '--json'];
  const processes = Array.from({ length: scenario === 'two processes' ? 2 : 1 }, () => startCli(args, { cwd, env: { ASSAY_DB: `sqlite:${place}.db` } }));
  const before = await firstServed(simulator);
  const startedAt = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const after = (await simulator.stats()) as unknown as Stats;
  const minutes = (performance.now() - startedAt) / 60_000;
  for (const { child } of processes) child.kill('SIGINT');
  const results = (await Promise.all(processes.map((each) => each.result))).map(({ stdout }) => JSON.parse(stdout) as { readonly goals: { readonly errors: number } });

  const served = after.requests.ok - before.requests.ok;
  const charged = after.tokens.prompt_tokens - before.tokens.prompt_tokens + served * MAX_OUTPUT;
  const left = scenario === 'other tenant' ? 0.7 : 1;
  const used = bound === 'requests' ? served / (RPM * minutes * left) : charged / (tpm * minutes * left);
  const limited = after.requests.rate_limited;
  return {
    kind,
    bound,
    scenario,
    'of allowed %': Number((used * 100).toFixed(1)),
    calls: after.requests.received,
    '429': limited,
    '429 %': Number(((limited / after.requests.received) * 100).toFixed(2)),
    errors: results.reduce((sum, result) => sum + result.goals.errors, 0),
  };
}

async function firstServed(simulator: SimulatorProcess): Promise<Stats> {
  for (;;) {
    const stats = (await simulator.stats()) as unknown as Stats;
    if (stats.requests.ok > 0) return stats;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
