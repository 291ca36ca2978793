import type { Assembly, ExecuteRunOptions, RunHandle } from '../assembly/index.ts';
import { AssayError, describeError, type Run } from '../core/index.ts';
import type { RunEnd } from '../engine/index.ts';
import type { Store } from '../store/contract.ts';
import type { Cli } from './cli.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { keepMemoryFlat } from './flat-memory.ts';
import { onInterrupts } from './interrupts.ts';
import type { Progress } from './progress.ts';
import type { ProgressState } from './progress-state.ts';

const RATE_WINDOW_MS = 10_000;

/**
 * Executes a run in front of a person: live progress on stderr, Ctrl-C once to finish what is in flight and twice to abort,
 * and the results at the end.
 */
export async function runInFront(cli: Cli, assembly: Assembly, handle: RunHandle, options: { readonly retryErrors?: boolean }): Promise<ExitCode> {
  const { openProgress } = await import('./progress.ts');
  const { run } = handle;
  const progress = await openProgress({
    clock: cli.io.clock,
    stream: cli.io.stderr,
    env: cli.io.env,
    state: progressState(cli, assembly, handle),
    colors: cli.errColors,
    quiet: cli.options.quiet === true,
  });
  await cli.note(`run ${run.id}${run.simulated ? ' (simulated)' : ''}${run.resumes > 0 ? `, resumed ${run.resumes === 1 ? 'once' : `${run.resumes} times`}` : ''}`);
  const interrupts = listenForInterrupts(cli, assembly, (line) => progress.announce(line));
  progress.start();
  try {
    const end = await executeWatched(cli, handle, progress, { ...options, drain: interrupts.drain, abort: interrupts.abort });
    await printResult(cli, assembly.store, { ...run, ...end });
    return end.status === 'completed' ? EXIT.done : EXIT.incomplete;
  } finally {
    // Only now: one press more must not swallow the results.
    interrupts.stop();
  }
}

async function executeWatched(cli: Cli, handle: RunHandle, progress: Progress, options: ExecuteRunOptions): Promise<RunEnd> {
  try {
    return await handle.execute({ ...options, announce: (line) => progress.announce(line) });
  } catch (error) {
    progress.stop();
    // Another process has the run: there is nothing to resume.
    if (!AssayError.isInstance(error) || error.code !== 'lease_held') await cli.note(`what is recorded is kept: \`assay resume ${handle.run.id}\` goes on from there`);
    throw error;
  } finally {
    progress.stop();
  }
}

/** Prints how a run ended, with its results. */
export async function printResult(cli: Cli, store: Store, run: Pick<Run, 'id' | 'simulated' | 'reason'>): Promise<void> {
  const [{ runResultView, usageView }, { resultText }] = await Promise.all([import('../report/index.ts'), import('./result-text.ts')]);
  const view = await runResultView(store, run.id);
  if (cli.json) return cli.printJson(view);
  await cli.print(resultText(view, await usageView(store, run.id), { simulated: run.simulated, reason: run.reason, width: cli.width, colors: cli.colors }));
}

/** Closes an assembly after use; a failure to close is told, and never hides the failure of the work itself. */
export async function withAssembly<T>(cli: Cli, open: () => Promise<Assembly>, use: (assembly: Assembly) => Promise<T>): Promise<T> {
  keepMemoryFlat();
  const assembly = await open();
  const stopListening = assembly.onWarning((line) => void cli.note(line));
  try {
    return await use(assembly);
  } finally {
    // A Ctrl-C too many must not cut this short: it takes a moment.
    const stop = cli.io.onSignal(() => {});
    await assembly.close().catch((error: unknown) => cli.note(`warning: ${describeError(error)}`));
    stopListening();
    stop();
  }
}

/** How a run stands, read from its counters, its budget and the limiter. */
export function progressState(cli: Cli, assembly: Assembly, handle: RunHandle): () => ProgressState {
  const { run, progress, budget } = handle;
  const startedAt = cli.io.clock.now();
  const label = `${run.suites.join(' ')} → ${run.targets.join(' ')}`;
  const samples: { readonly at: number; readonly finished: number }[] = [];
  return () => {
    const state = progress.snapshot();
    const stats = assembly.limiter.stats();
    const now = cli.io.clock.now();
    samples.push({ at: now, finished: state.finished });
    while (samples.length > 2 && samples[0]!.at < now - RATE_WINDOW_MS) samples.shift();
    const oldest = samples[0]!;
    const span = now - oldest.at;
    const paused = stats.map((each) => each.paused_until).filter((until) => until !== null && until > now);
    const { calls, tokens, usd } = budget.limits;
    const { used } = budget;
    return {
      label,
      planned: state.planned,
      finished: state.finished,
      errors: state.errors,
      verdicts: state.verdicts,
      inFlight: state.inFlight,
      startedAt,
      tokens: state.promptTokens + state.completionTokens,
      promptTokens: state.promptTokens,
      completionTokens: state.completionTokens,
      costUsd: state.calls > 0 && state.costUsd === 0 && state.unpriced > 0 ? null : state.costUsd,
      unpriced: state.unpriced,
      waitedMs: state.waitedMs,
      waiting: stats.reduce((sum, each) => sum + each.waiting, 0),
      pausedUntil: paused.length === 0 ? null : Math.max(...(paused as number[])),
      rate: span < 1_000 ? null : ((state.finished - oldest.finished) / span) * 1_000,
      budget: [
        ...(calls === undefined ? [] : [{ name: 'calls' as const, used: used.calls, limit: calls }]),
        ...(tokens === undefined ? [] : [{ name: 'tokens' as const, used: used.tokens, limit: tokens }]),
        ...(usd === undefined ? [] : [{ name: 'usd' as const, used: used.usd, limit: usd }]),
      ],
      deployments: stats,
      simulated: run.simulated,
    };
  };
}

function listenForInterrupts(cli: Cli, { limiter }: Assembly, announce: (line: string) => void): { readonly drain: AbortSignal; readonly abort: AbortSignal; readonly stop: () => void } {
  const drain = new AbortController();
  const abort = new AbortController();
  const stop = onInterrupts(cli.io, {
    first: () => {
      const inFlight = limiter.stats().reduce((sum, each) => sum + each.in_flight, 0);
      announce(`stopping: ${inFlight} calls in flight will finish; Ctrl-C again aborts them`);
      drain.abort();
    },
    second: () => {
      announce('aborting what is in flight');
      abort.abort();
    },
  });
  return { drain: drain.signal, abort: abort.signal, stop };
}
