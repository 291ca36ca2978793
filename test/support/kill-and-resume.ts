import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom, type CallRecord } from '../../src/core/index.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { startCli, startSimulatorProcess } from './processes.ts';

export interface KillOptions {
  readonly cwd: string;
  readonly attempts: number;
  readonly kills: number;
  readonly seed: number;
  /** Slowest answer of the provider, in ms; slow enough that the run outlives the kills. 60 by default. */
  readonly slowestMs?: number;
}

/** What is left after a run was killed many times and resumed each time. */
export interface KillReport {
  readonly run: string;
  readonly kills: number;
  /** Kills that hit the process before, while and after calls were in flight tell different stories; this many left calls `lost`. */
  readonly killsWithLost: number;
  readonly goals: { readonly planned: number; readonly byOutcome: Readonly<Record<string, number>> };
  readonly attempts: { readonly finished: number; readonly errors: number };
  readonly calls: { readonly total: number; readonly ok: number; readonly lost: number };
  /** Requests the provider answered whole. */
  readonly served: number;
  /** ok in the ledger, not served by the provider. */
  readonly madeUp: number;
  /** Served by the provider, and neither ok nor lost in the ledger. */
  readonly unaccounted: number;
  /** Tokens of ok calls: in the ledger and at the provider. */
  readonly tokens: { readonly ledger: number; readonly provider: number };
}

/** Longest life of a process before it is killed, from its start; includes the time it takes to load. */
const LONGEST_LIFE_MS = 1_300;

/** Runs attempts against a simulator in a process of its own, kills the run at random instants, resumes it each time, and reads both books. */
export async function killAndResume({ cwd, attempts, kills, seed, slowestMs = 60 }: KillOptions): Promise<KillReport> {
  const random = seededRandom('kill', seed);
  const log = join(cwd, 'served.jsonl');
  await using simulator = await startSimulatorProcess({ seed, log, profiles: { echo: { behaviour: 'echo', latency: { minMs: 5, maxMs: slowestMs } } } });
  const prompts = join(cwd, 'prompts.txt');
  await writeFile(prompts, Array.from({ length: attempts }, (_, i) => `Say the number ${i} in words.\n`).join(''));
  const location = `sqlite:${join(cwd, 'assay.db')}`;
  const env = { ASSAY_SIM_URL: simulator.url, ASSAY_DB: location };
  const start = ['run', 'probes.custom', '--prompts', prompts, '--detector', 'contains:words', '--target', 'sim:echo', '--parallel', '8', '--concurrency', '8', '--json'];

  let run: string | undefined;
  let killed = 0;
  let killsWithLost = 0;
  while (killed < kills) {
    const { child, result } = startCli(run === undefined ? start : ['resume', run, '--json'], { cwd, env });
    // Spread over loading, planning, calls in flight and results being written.
    const life = 150 + random.next() * (LONGEST_LIFE_MS - 150);
    const ended = await Promise.race([result.then(() => true), new Promise<false>((resolve) => setTimeout(() => resolve(false), life))]);
    if (!ended) {
      child.kill('SIGKILL');
      killed++;
    }
    await result;
    const { id, lost, done } = await look(location);
    run ??= id;
    if (lost) killsWithLost++;
    if (done) break;
  }
  const last = await startCli(run === undefined ? start : ['resume', run, '--json'], { cwd, env }).result;
  if (last.code !== 0) throw new Error(`the last resume ended with ${String(last.code)}: ${last.stderr}`);
  const { run: id } = JSON.parse(last.stdout) as { readonly run: string };
  const store = await openStore(location);
  try {
    return { run: id, kills: killed, killsWithLost, ...(await compareBooks(store, id, log)) };
  } finally {
    await store.close();
  }
}

async function look(location: string): Promise<{ readonly id: string | undefined; readonly lost: boolean; readonly done: boolean }> {
  const store = await openStore(location);
  try {
    const [run] = await store.listRuns({ limit: 1 });
    if (run === undefined) return { id: undefined, lost: false, done: false };
    const sums = (await store.sumCalls({ runId: run.id }, 'all')).get('all');
    return { id: run.id, lost: (sums?.calls.in_flight ?? 0) > 0, done: run.status === 'completed' };
  } finally {
    await store.close();
  }
}

interface Served {
  readonly call: string;
  readonly outcome: string;
  readonly total_tokens: number;
  readonly request_id: string;
}

async function compareBooks(store: Store, runId: string, log: string): Promise<Omit<KillReport, 'run' | 'kills' | 'killsWithLost'>> {
  const { readFile } = await import('node:fs/promises');
  const served = new Map<string, Served>();
  for (const line of (await readFile(log, 'utf8')).split('\n')) {
    if (line === '') continue;
    const entry = JSON.parse(line) as Served;
    served.set(entry.call, entry);
  }
  const answered = [...served.values()].filter((entry) => entry.outcome === 'ok' || entry.outcome === 'aborted');
  const calls = new Map<string, CallRecord>();
  for (let after: string | undefined; ; ) {
    const page = await store.calls({ runId }, { limit: 1_000, ...(after === undefined ? {} : { after }) });
    for (const call of page) calls.set(call.intent.id, call);
    after = page.at(-1)?.intent.id;
    if (after === undefined) break;
  }
  const ok = [...calls.values()].filter((call) => call.settlement?.status === 'ok');
  const lost = [...calls.values()].filter((call) => call.settlement?.status === 'lost');
  const accounted = new Set([...ok, ...lost].map((call) => call.intent.id));
  const goals = await store.countGoals(runId);
  return {
    goals: { planned: goals.planned, byOutcome: Object.fromEntries(Object.entries(goals.byOutcome).filter(([, count]) => count > 0)) },
    attempts: await store.countAttempts(runId),
    calls: { total: calls.size, ok: ok.length, lost: lost.length },
    served: answered.length,
    madeUp: ok.filter((call) => served.get(call.intent.id)?.outcome !== 'ok').length,
    unaccounted: answered.filter((entry) => !accounted.has(entry.call)).length,
    tokens: {
      ledger: (await store.sumCalls({ runId }, 'status')).get('ok')?.total_tokens ?? 0,
      provider: ok.reduce((sum, call) => sum + (served.get(call.intent.id)?.total_tokens ?? 0), 0),
    },
  };
}
