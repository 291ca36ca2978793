import { fileURLToPath } from 'node:url';
import { AssayError, type CallRecord } from '../../core/index.ts';
import { usageView } from '../../report/index.ts';
import { startSimulator } from '../../simulator/index.ts';
import { openStore, recoverOrphans, type Store } from '../../store/index.ts';
import { probesPlaybook } from '../../suites/index.ts';
import type { Cli } from '../cli.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { ended, killWhen, startAssay } from './demo-processes.ts';
import { reconcile } from './reconcile.ts';
import { reconciliationText } from './reconciliation-text.ts';

/** The provider answers 40 requests a second at most, and Assay is told so; now and then it fails. */
const RPM = 2_400;
const SEED = 7;
const KILL_AT_SHARE = 0.4;
const KILL_AT_ANSWERS = 25;
/** More calls than the demo makes. */
const LOG_SIZE = 100_000;

/** What every step of the demo has at hand. */
interface Stage {
  readonly cli: Cli;
  readonly store: Store;
  /** Starts the command line against the demo's provider and store. */
  readonly assay: (...args: readonly string[]) => ReturnType<typeof startAssay>;
}

/**
 * The whole of what Assay promises in one sitting: a provider of its own that throttles and fails, a run and somebody else's program that are
 * killed with SIGKILL on the way and go on, an experiment, and both books side by side. The provider lives in this process, so the kills do
 * not reach it.
 */
export async function runDemo(cli: Cli): Promise<ExitCode> {
  const location = await cli.storeLocation();
  await using simulator = await startSimulator({
    seed: SEED,
    playbooks: [probesPlaybook()],
    profiles: { weak: { behaviour: 'weak', latency: { minMs: 100, maxMs: 500 } } },
    limits: { rpm: RPM, kind: 'sliding-window' },
    faults: { error500: 0.03, malformed: 0.01, missingUsage: 0.02, cut: 0.01 },
    logSize: LOG_SIZE,
  });
  const env = { ...cli.io.env, ASSAY_SIM_URL: simulator.url, ASSAY_DB: location };
  await say(cli, 'A simulated provider is running: 2,400 requests a minute, and some requests fail. Nothing here says anything about a real model.\n');
  const store = await openStore(location);
  const children: ReturnType<typeof startAssay>[] = [];
  const assay: Stage['assay'] = (...args) => {
    const child = startAssay(args, env, cli.io.cwd);
    children.push(child);
    return child;
  };
  try {
    const stage = { cli, store, assay };
    const probes = await killAndResumeRun(stage);
    const program = await killAndReplayProgram(stage);
    const experiment = await runExperiment(stage);
    const books = reconcile(await callsOf(store, [probes, program, experiment]), simulator.log(LOG_SIZE));
    await cli.print(reconciliationText(books, { probes: await usageView(store, probes), program, experiment }, { colors: cli.colors, width: cli.width }));
    return books.balanced ? EXIT.done : EXIT.incomplete;
  } finally {
    await store.close();
    for (const child of children) child.kill('SIGKILL');
  }
}

async function killAndResumeRun({ cli, store, assay }: Stage): Promise<string> {
  await say(cli, '1. Run every probe against it.');
  const runId = await killWhen(assay('run', 'probes', '--target', 'sim:weak', '--rpm', String(RPM), '--seed', String(SEED), '--name', 'demo'), {
    store,
    clock: cli.io.clock,
    enough: async (id) => {
      const planned = (await store.getRun(id))?.planned ?? Infinity;
      return (await store.countAttempts(id)).finished >= planned * KILL_AT_SHARE;
    },
  });
  await recoverOrphans(store, cli.io.clock.now());
  const { finished } = await store.countAttempts(runId);
  await say(cli, `\n2. Killed with SIGKILL (kill -9) after ${finished} of ${(await store.getRun(runId))?.planned ?? 0} attempts.`);
  await say(cli, '\n3. Resume it: what is finished is not done again.');
  await mustEndWell(assay('resume', runId), 'the resumed run');
  return runId;
}

async function killAndReplayProgram({ cli, store, assay }: Stage): Promise<string> {
  await say(cli, '\n4. Put Assay in front of a program that knows nothing of it, and kill that on the way.');
  const program = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './demo-program.ts' : './demo-program.js', import.meta.url));
  const runId = await killWhen(assay('exec', '--upstream', 'openai=sim', '--rpm', String(RPM), '--name', 'demo-program', '--', process.execPath, program), {
    store,
    clock: cli.io.clock,
    enough: async (id) => answered(await callsOf(store, [id])) >= KILL_AT_ANSWERS,
  });
  await recoverOrphans(store, cli.io.clock.now());
  await say(cli, `\n5. Killed after ${answered(await callsOf(store, [runId]))} answers. Start it again with --resume: what was answered is given again, and not paid for twice.`);
  await mustEndWell(assay('exec', '--resume', runId), 'the program');
  const replayed = (await callsOf(store, [runId])).filter(({ settlement }) => settlement?.status === 'replayed').length;
  await say(cli, `${replayed} answers came from the store.`);
  return runId;
}

async function runExperiment({ cli, store, assay }: Stage): Promise<string> {
  await say(cli, '\n6. Compare two variants of an agent in an experiment: calls, tokens and score, with what its memory costs.');
  const file = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './demo-experiment.ts' : './demo-experiment.js', import.meta.url));
  await mustEndWell(assay('run', `experiments:${file}`, '--target', 'sim:weak', '--rpm', String(RPM), '--trials', '6', '--parallel', '12', '--seed', String(SEED), '--name', 'demo-experiment'), 'the experiment');
  return (await store.findRun('last')).id;
}

async function mustEndWell(child: ReturnType<typeof startAssay>, what: string): Promise<void> {
  const code = await ended(child);
  if (code !== EXIT.done) throw new AssayError({ code: 'internal', message: `${what} ended with exit code ${String(code)}` });
}

async function callsOf(store: Store, runIds: readonly string[]): Promise<CallRecord[]> {
  return (await Promise.all(runIds.map((runId) => store.calls({ runId }, { limit: LOG_SIZE })))).flat();
}

function answered(calls: readonly CallRecord[]): number {
  return calls.filter(({ settlement }) => settlement?.status === 'ok').length;
}

function say(cli: Cli, line: string): Promise<void> {
  return cli.note(cli.errColors.bold(line));
}
