import { Command } from 'commander';
import { UsageError } from '../../core/index.ts';
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
      const [{ Assembly, isExecRun, isGatewayRun, resumedConfig, resumeRun }, { recoverOrphans }] = await Promise.all([import('../../assembly/index.ts'), import('../../store/index.ts')]);
      const location = await cli.storeLocation();
      const { run, done } = await cli.withStore(async (store) => {
        await recoverOrphans(store, cli.io.clock.now());
        const found = await store.findRun(reference);
        if (isGatewayRun(found)) throw new UsageError({ message: `run ${found.id} is that of a gateway: there is nothing in it to go on with`, hint: 'start `assay gateway` again' });
        if (isExecRun(found)) return { run: found, done: false };
        const { byOutcome } = await store.countGoals(found.id);
        const nothingLeft = found.status === 'completed' && (retryErrors !== true || (byOutcome['error'] ?? 0) === 0);
        // Needs no key, no input file and no target any more.
        if (nothingLeft) await printResult(cli, store, found);
        return { run: found, done: nothingLeft };
      });
      if (done) return EXIT.done;
      if (isExecRun(run)) {
        const { execResumed } = await import('./exec.ts');
        if (cli.json) throw new UsageError({ message: "--json prints on stdout, which is the command's own in this run", hint: '`assay usage RUN --json` prints its figures afterwards' });
        return execResumed(cli, { ...overrides, replay: true }, run.id, undefined);
      }
      return withAssembly(
        cli,
        () => Assembly.open({ config: resumedConfig(run, overrides), location, env: cli.io.env, cwd: cli.io.cwd, clock: cli.io.clock }),
        async (assembly) => runInFront(cli, assembly, await resumeRun(assembly, run), retryErrors === undefined ? {} : { retryErrors }),
      );
    }),
  );
}
