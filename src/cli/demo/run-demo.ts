import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { AssayError, sleep } from '../../core/index.ts';
import { usageView } from '../../report/index.ts';
import { startSimulator } from '../../simulator/index.ts';
import { openStore, recoverOrphans, type Store } from '../../store/index.ts';
import { probesPlaybook } from '../../suites/index.ts';
import type { Cli } from '../cli.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { reconcile } from './reconcile.ts';
import { reconciliationText } from './reconciliation-text.ts';

/** The provider answers 40 requests a second at most, and Assay is told so; now and then it fails. */
const RPM = 2_400;
const SEED = 7;
const KILL_AT_SHARE = 0.4;
const POLL_MS = 100;
/** More calls than the demo makes. */
const LOG_SIZE = 100_000;

/**
 * The whole of what Assay promises in one sitting: a provider of its own that throttles and fails, a run that is killed with
 * SIGKILL on the way and resumed, and both books side by side. The provider lives in this process, so the kill does not reach it.
 */
export async function runDemo(cli: Cli): Promise<ExitCode> {
  const { bold } = cli.errColors;
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
  await cli.note(bold('A simulated provider is running: 2,400 requests a minute, and some requests fail. Nothing here says anything about a real model.\n'));

  await cli.note(bold('1. Run every probe against it.'));
  const first = start(['run', 'probes', '--target', 'sim:weak', '--rpm', String(RPM), '--seed', String(SEED), '--name', 'demo'], env, cli.io.cwd);
  const store = await openStore(location);
  try {
    const runId = await killMidway(cli, store, first);
    await cli.note(bold('\n3. Resume it: what is finished is not done again.'));
    const resumed = start(['resume', runId], env, cli.io.cwd);
    const code = await ended(resumed);
    if (code !== EXIT.done) throw new AssayError({ code: 'internal', message: `the resumed run ended with exit code ${String(code)}` });

    const books = reconcile(await store.calls({ runId }, { limit: LOG_SIZE }), simulator.log(LOG_SIZE));
    await cli.print(reconciliationText(books, await usageView(store, runId), { colors: cli.colors, width: cli.width }));
    return books.balanced ? EXIT.done : EXIT.incomplete;
  } finally {
    await store.close();
    first.kill('SIGKILL');
  }
}

/** Waits until a good part of the goals is done, then kills the run without a warning. Returns its id. */
async function killMidway(cli: Cli, store: Store, child: ReturnType<typeof start>): Promise<string> {
  const { bold } = cli.errColors;
  for (;;) {
    await sleep(cli.io.clock, POLL_MS);
    if (child.exitCode !== null) throw new AssayError({ code: 'internal', message: `the demo's run ended before it could be killed, with exit code ${child.exitCode}` });
    const [run] = await store.listRuns({ limit: 1 });
    if (run === undefined || run.status !== 'running' || run.planned === null) continue;
    const { finished } = await store.countAttempts(run.id);
    if (finished < run.planned * KILL_AT_SHARE) continue;
    child.kill('SIGKILL');
    await ended(child);
    await recoverOrphans(store, cli.io.clock.now());
    const after = await store.countAttempts(run.id);
    await cli.note(bold(`\n2. Killed with SIGKILL (kill -9) after ${after.finished} of ${run.planned} attempts.`));
    return run.id;
  }
}

function start(args: readonly string[], env: Readonly<Record<string, string | undefined>>, cwd: string): ReturnType<typeof spawn> {
  const bin = fileURLToPath(new URL('../../../bin/assay.js', import.meta.url));
  return spawn(process.execPath, [bin, ...args], { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
}

async function ended(child: ReturnType<typeof start>): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}
