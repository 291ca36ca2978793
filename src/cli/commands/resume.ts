import { Command } from 'commander';
import type { CommandHost } from '../command-host.ts';
import { limitOptions, type RunFlags } from '../run-options.ts';
import { runInFront, withAssembly } from '../run-session.ts';

export function resumeCommand(host: CommandHost): Command {
  const command = new Command('resume')
    .argument('<run>', "the run's id, a unique part of it, or last")
    .option('--retry-errors', 'also try again the goals that ended in error');
  return limitOptions(command).action(
    host.action<RunFlags & { readonly retryErrors?: boolean }, [string]>(async (cli, { retryErrors, ...overrides }, reference) => {
      const [{ Assembly, resumedConfig, resumeRun }, { recoverOrphans }] = await Promise.all([import('../../assembly/index.ts'), import('../../store/index.ts')]);
      const location = await cli.storeLocation();
      const run = await cli.withStore(async (store) => {
        await recoverOrphans(store, cli.io.clock.now());
        return store.findRun(reference);
      });
      return withAssembly(
        cli,
        () => Assembly.open({ config: resumedConfig(run, overrides), location, env: cli.io.env, cwd: cli.io.cwd, clock: cli.io.clock }),
        async (assembly) => runInFront(cli, assembly, await resumeRun(assembly, run), retryErrors === undefined ? {} : { retryErrors }),
      );
    }),
  );
}
