import { Command } from 'commander';
import { usageView } from '../../report/index.ts';
import type { CommandHost } from '../command-host.ts';
import { usageText } from '../usage-tables.ts';

export function usageCommand(host: CommandHost): Command {
  return new Command('usage')
    .argument('<run>', "the run's id, a unique part of it, or last")
    .action(
      host.action<object, [string]>(async (cli, _options, reference) => {
        const { run, usage } = await cli.withStore(async (store) => {
          const found = await store.findRun(reference);
          return { run: found, usage: await usageView(store, found.id) };
        });
        if (cli.json) return cli.printJson(usage);
        await cli.print(usageText(usage, { simulated: run.simulated, width: cli.width, colors: cli.colors }));
      }),
    );
}
