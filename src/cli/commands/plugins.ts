import { Command } from 'commander';
import { listExperiments, listProbes } from '../../suites/index.ts';
import type { CommandHost } from '../command-host.ts';
import { oneLine } from '../format.ts';
import { renderTable } from '../table.ts';

export function pluginsCommand(host: CommandHost): Command {
  return new Command('plugins').argument('[part]', 'only plugins whose name or tags contain this').action(
    host.action<object, [string | undefined]>(async (cli, _options, part) => {
      const plugins = [...listProbes(), ...listExperiments()].filter((plugin) => part === undefined || plugin.id.includes(part) || plugin.tags.some((tag) => tag.includes(part)));
      if (cli.json) return cli.printJson(plugins);
      if (plugins.length === 0) return cli.note(`no plugin has ${JSON.stringify(part)} in its name or tags`);
      await cli.print(
        renderTable(
          [{ title: 'plugin' }, { title: 'detectors' }, { title: 'goal', flexible: true }],
          plugins.map((plugin) => [plugin.id, 'detectors' in plugin ? plugin.detectors.join(', ') : '', oneLine(plugin.goal, 200)]),
          { width: cli.width, heading: cli.colors.bold },
        ),
      );
    }),
  );
}
