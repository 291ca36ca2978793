import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { UsageError, describeError } from '../../core/index.ts';
import { exportJsonl } from '../../report/index.ts';
import { createRedactor } from '../../store/index.ts';
import type { Cli } from '../cli.ts';
import type { CommandHost } from '../command-host.ts';
import { choice } from '../option-choice.ts';

interface ReportOptions {
  readonly format: 'jsonl';
  readonly out?: string;
}

export function reportCommand(host: CommandHost): Command {
  return new Command('report')
    .argument('<run>', "the run's id, a unique part of it, or last")
    .addOption(choice('--format <format>', 'how to write it', ['jsonl']).default('jsonl'))
    .option('--out <file>', 'write to this file instead of stdout')
    .addHelpText('after', '\nWhat looks like a credential is taken out on export; the store keeps it as evidence.')
    .action(
      host.action<ReportOptions, [string]>((cli, { format, out }, reference) =>
        cli.withStore(async (store) => {
          if (cli.json && out === undefined) {
            throw new UsageError({ message: '--json prints one document, an export is many lines', hint: 'name a file for the export with --out' });
          }
          const run = await store.findRun(reference);
          const { collectSecrets, defaultConfig } = await import('../../config/index.ts');
          const config = await cli.loadConfig().then(({ config: loaded }) => loaded, defaultConfig);
          const redactor = createRedactor(collectSecrets(config, cli.io.env));
          const lines = exportJsonl(store, run, { redact: (value) => redactor.metadataOf(value) });
          if (out === undefined) return printAll(cli, lines);
          const file = resolve(cli.io.cwd, out);
          await writeWhole(file, lines);
          if (cli.json) await cli.printJson({ run: run.id, format, file });
          else await cli.note(`wrote ${out}`);
        }),
      ),
    );
}

async function printAll(cli: Cli, lines: AsyncIterable<string>): Promise<void> {
  for await (const line of lines) if (!(await cli.stdout.write(line))) return;
}

/** Writes beside the file and moves it there when whole: a broken export never passes for a run. */
async function writeWhole(file: string, lines: AsyncIterable<string>): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await pipeline(Readable.from(lines, { objectMode: true }), createWriteStream(partial, { mode: 0o600 }));
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    if (error instanceof Error && 'syscall' in error) {
      throw new UsageError({ code: 'input', message: `cannot write ${file}: ${describeError(error)}`, hint: 'name another file with --out', cause: error });
    }
    throw error;
  }
}
