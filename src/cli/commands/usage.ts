import { Command } from 'commander';
import { UsageError } from '../../core/index.ts';
import { usageView } from '../../report/index.ts';
import type { CommandHost } from '../command-host.ts';
import { usageText } from '../usage-tables.ts';

interface UsageOptions {
  /** False where calls of no run are meant. */
  readonly run: boolean;
  readonly trial?: string;
}

export function usageCommand(host: CommandHost): Command {
  return new Command('usage')
    .argument('[run]', "the run's id, a unique part of it, or last")
    .option('--trial <name>', 'only this trial')
    .option('--no-run', 'calls that belong to no run')
    .action(
      host.action<UsageOptions, [string | undefined]>(async (cli, { run, trial }, reference) => {
        if (run && reference === undefined) throw new UsageError({ message: 'the use of which run?', hint: 'name it, or say last; `assay runs` lists them. --no-run shows calls of none' });
        if (!run && reference !== undefined) throw new UsageError({ message: 'name a run or say --no-run, not both', hint: '`assay runs` lists the runs' });
        const usage = await cli.withStore(async (store) => usageView(store, reference === undefined ? null : (await store.findRun(reference)).id, trial === undefined ? {} : { trial }));
        if (cli.json) return cli.printJson(usage);
        await cli.print(usageText(usage, { width: cli.width, colors: cli.colors }));
      }),
    );
}
