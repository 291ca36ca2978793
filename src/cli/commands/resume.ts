import { Command } from 'commander';
import type { CommandHost } from '../command-host.ts';
import { EXIT } from '../exit-code.ts';
import { limitOptions, type RunFlags } from '../run-options.ts';
import { printResult, runInFront, withAssembly } from '../run-in-front.ts';

export function resumeCommand(host: CommandHost): Command {
  const command = new Command('resume')
    .argument('<run>', "the run's id, a unique part of it, or last")
    .option('--retry-errors', 'also try again the goals that ended in error');
  return limitOptions(command).action(
    host.action<RunFlags & { readonly retryErrors?: boolean }, [string]>(async (cli, { retryErrors, ...overrides }, reference) => {
      const [{ Assembly, resumedConfig, resumeRun }, { recoverOrphans }] = await Promise.all([import('../../assembly/index.ts'), import('../../store/index.ts')]);
      const location = await cli.storeLocation();
      const { run, done } = await cli.withStore(async (store) => {
        await recoverOrphans(store, cli.io.clock.now());
        const found = await store.findRun(reference);
        const { byOutcome } = await store.countGoals(found.id);
        const nothingLeft = found.status === 'completed' && (retryErrors !== true || (byOutcome['error'] ?? 0) === 0);
        // Needs no key, no input file and no target any more.
        if (nothingLeft) await printResult(cli, store, found);
        return { run: found, done: nothingLeft };
      });
      if (done) return EXIT.done;
      return withAssembly(
        cli,
        () => Assembly.open({ config: resumedConfig(run, overrides), location, env: cli.io.env, cwd: cli.io.cwd, clock: cli.io.clock }),
        async (assembly) => runInFront(cli, assembly, await resumeRun(assembly, run), retryErrors === undefined ? {} : { retryErrors }),
      );
    }),
  );
}
