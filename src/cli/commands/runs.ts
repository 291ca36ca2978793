import { Command } from 'commander';
import { RUN_STATUSES, type Run, type RunStatus } from '../../core/index.ts';
import { runListView } from '../../report/index.ts';
import type { Colors } from '../cli.ts';
import type { CommandHost } from '../command-host.ts';
import { count, localTime } from '../format.ts';
import { choice } from '../option-choice.ts';
import { positiveInteger } from '../option-values.ts';
import { runSubject } from '../run-subject.ts';
import { renderTable } from '../table.ts';

interface RunsOptions {
  readonly limit: number;
  readonly status?: RunStatus;
}

export function runsCommand(host: CommandHost): Command {
  return new Command('runs')
    .option('--limit <n>', 'at most this many', positiveInteger, 20)
    .addOption(choice('--status <status>', 'only runs in this status', RUN_STATUSES))
    .action(
      host.action<RunsOptions>(async (cli, { limit, status }) => {
        const missing = await cli.isMissing(await cli.storeLocation());
        const runs = missing ? [] : await cli.withStore((store) => store.listRuns({ limit, ...(status === undefined ? {} : { status }) }));
        if (cli.json) return cli.printJson(runListView(runs));
        if (runs.length === 0) return cli.note('no runs yet; `assay run SUITE --target TARGET` makes one');
        await cli.print(runsTable(runs, cli.width, cli.colors));
      }),
    );
}

function runsTable(runs: readonly Run[], width: number, colors: Colors): string {
  return renderTable(
    [{ title: 'run' }, { title: 'status' }, { title: 'goals', align: 'right' }, { title: 'created' }, { title: 'what', flexible: true }],
    runs.map((run) => [
      run.id,
      `${colorOf(run.status, colors)(run.status)}${run.simulated ? ' (simulated)' : ''}`,
      run.planned === null ? 'planning' : count(run.planned),
      localTime(run.createdAt),
      `${run.name === null ? '' : `${run.name}: `}${runSubject(run)}`,
    ]),
    { width, heading: colors.bold },
  );
}

/** The colour of a run's status. */
export function colorOf(status: RunStatus, colors: Colors): (text: string) => string {
  switch (status) {
    case 'completed':
      return colors.green;
    case 'failed':
      return colors.red;
    case 'cancelled':
    case 'stopped':
    case 'interrupted':
      return colors.yellow;
    case 'pending':
    case 'running':
      return colors.cyan;
  }
}
