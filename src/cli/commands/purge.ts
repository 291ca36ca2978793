import { Command } from 'commander';
import { UsageError, type Run } from '../../core/index.ts';
import type { Store } from '../../store/contract.ts';
import type { Cli } from '../cli.ts';
import type { CommandHost } from '../command-host.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { count, localTime } from '../format.ts';
import { pointInTime } from '../option-values.ts';

interface PurgeOptions {
  readonly all?: true;
  /** Milliseconds since the epoch: calls of no run from before it go. */
  readonly unattributedBefore?: number;
  /** Milliseconds since the epoch. */
  readonly before?: number;
  readonly yes?: true;
}

/** Runs read at once; a purge may concern all there are. */
const ALL_RUNS = 1_000_000;

export function purgeCommand(host: CommandHost): Command {
  return new Command('purge')
    .argument('[runs...]', 'ids of runs, unique parts of them, or last')
    .option('--all', 'every run')
    .option('--before <date>', 'runs created before this day, e.g. 2026-11-01', pointInTime)
    .option('--unattributed-before <date>', 'calls of no run that were sent before this day', pointInTime)
    .option('--yes', 'do not ask')
    .action(
      host.action<PurgeOptions, [string[]]>((cli, options, references) =>
        cli.withStore(async (store) => {
          const runs = await chosenRuns(store, references, options);
          const { unattributedBefore } = options;
          if (runs.length === 0 && unattributedBefore === undefined) return nothingToDo(cli);
          await refuseRunning(store, runs, cli.io.clock.now());
          if (options.yes !== true && !(await confirmed(cli, runs, unattributedBefore))) {
            await cli.note('nothing was deleted');
            return EXIT.incomplete;
          }
          const purged = await store.purge({ runIds: runs.map((run) => run.id), ...(unattributedBefore === undefined ? {} : { unattributedBefore }) });
          if (cli.json) await cli.printJson({ ...purged, purged: runs.map((run) => run.id) });
          else await cli.print(`deleted ${count(purged.runs)} ${purged.runs === 1 ? 'run' : 'runs'} and ${count(purged.calls)} calls`);
          return EXIT.done;
        }),
      ),
    );
}

async function chosenRuns(store: Store, references: readonly string[], { all, before, unattributedBefore }: PurgeOptions): Promise<Run[]> {
  if (references.length > 0 && (all === true || before !== undefined)) {
    throw new UsageError({ message: 'name runs, or say --all or --before, not both', hint: '`assay runs` lists them' });
  }
  if (references.length > 0) {
    const found = new Map<string, Run>();
    for (const reference of references) {
      const run = await store.findRun(reference);
      found.set(run.id, run);
    }
    return [...found.values()];
  }
  if (all !== true && before === undefined) {
    if (unattributedBefore !== undefined) return [];
    throw new UsageError({ message: 'which runs are to go?', hint: 'name them, or say --all or --before DATE' });
  }
  const runs = await store.listRuns({ limit: ALL_RUNS });
  return before === undefined ? runs : runs.filter((run) => run.createdAt < before);
}

/** A run that is being worked on would write on into what was deleted. */
async function refuseRunning(store: Store, runs: readonly Run[], now: number): Promise<void> {
  for (const run of runs) {
    const lease = run.status === 'running' ? await store.getLease(run.id) : undefined;
    if (lease !== undefined && lease.expiresAt > now) {
      throw new UsageError({ message: `run ${run.id} is in progress (process ${lease.holder.pid} on ${lease.holder.host})`, hint: 'stop it first, or leave it out' });
    }
  }
}

async function confirmed(cli: Cli, runs: readonly Run[], unattributedBefore: number | undefined): Promise<boolean> {
  const calls = unattributedBefore === undefined ? [] : [`the calls of no run from before ${localTime(unattributedBefore)}`];
  if (!cli.io.interactive || cli.json) {
    const what = [...(runs.length === 0 ? [] : [`${count(runs.length)} ${runs.length === 1 ? 'run' : 'runs'}`]), ...calls].join(' and ');
    throw new UsageError({ message: `this would delete ${what}`, hint: 'say --yes to do it' });
  }
  const { confirm, isCancel } = await import('@clack/prompts');
  const named = runs.length === 1 ? `run ${runs[0]!.id} of ${localTime(runs[0]!.createdAt)}` : `${count(runs.length)} runs`;
  const what = [...(runs.length === 0 ? [] : [`${named} and all that belongs to ${runs.length === 1 ? 'it' : 'them'}`]), ...calls].join(', and ');
  const answer = await confirm({ message: `Delete ${what}? This cannot be undone.`, initialValue: false, output: process.stderr });
  return !isCancel(answer) && answer;
}

async function nothingToDo(cli: Cli): Promise<ExitCode> {
  if (cli.json) await cli.printJson({ runs: 0, calls: 0, purged: [] });
  else await cli.note('no run matches; nothing was deleted');
  return EXIT.done;
}
