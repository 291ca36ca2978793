import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { CONFIG_TEMPLATE } from '../../config/index.ts';
import { UsageError, describeError } from '../../core/index.ts';
import type { CommandHost } from '../command-host.ts';

const FILE = 'assay.yaml';

export function initCommand(host: CommandHost): Command {
  return new Command('init').option('--force', `replace an ${FILE} that is there`).action(
    host.action<{ readonly force?: true }>(async (cli, { force }) => {
      const file = join(cli.io.cwd, FILE);
      try {
        await writeFile(file, CONFIG_TEMPLATE, { flag: force === true ? 'w' : 'wx' });
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
          throw new UsageError({ code: 'input', message: `${FILE} is there already`, hint: 'say --force to replace it', cause: error });
        }
        throw new UsageError({ code: 'input', message: `cannot write ${file}: ${describeError(error)}`, hint: 'run it in a folder you may write to', cause: error });
      }
      if (cli.json) return cli.printJson({ file });
      await cli.print(`wrote ${FILE}; \`assay run\` runs what it says, against the simulator at first`);
    }),
  );
}
