import { Command } from 'commander';
import type { CommandHost } from '../command-host.ts';
import { limitOptions, runOptions, type RunFlags } from '../run-options.ts';
import { runInFront, withAssembly } from '../run-in-front.ts';

export function runCommand(host: CommandHost): Command {
  const command = new Command('run')
    .argument('[suites...]', 'what to run, e.g. probes.encoding, -probes.encoding.braille, tag:owasp:llm01; the configuration says it otherwise')
    .option('--dry-run', 'say what it would take in calls, tokens, cost and time; send and record nothing');
  return limitOptions(runOptions(command)).action(
    host.action<RunFlags & { readonly dryRun?: boolean }, [string[]]>(async (cli, { dryRun, ...flags }, suites) => {
      const [{ Assembly, createRun, planDryRun }, { mergeFlags }, { recoverOrphans }] = await Promise.all([
        import('../../assembly/index.ts'),
        import('../../config/index.ts'),
        import('../../store/index.ts'),
      ]);
      const config = mergeFlags((await cli.loadConfig()).config, { ...flags, ...(suites.length === 0 ? {} : { suites: suites.map((spec) => spec.replace(/^!/, '-')) }) });
      const location = await cli.storeLocation(config);
      return withAssembly(
        cli,
        () => Assembly.open({ config, location, env: cli.io.env, cwd: cli.io.cwd, clock: cli.io.clock }),
        async (assembly) => {
          if (dryRun === true) {
            const [plan, { dryRunText, dryRunView }] = await Promise.all([planDryRun(assembly), import('../dry-run-text.ts')]);
            return cli.json ? cli.printJson(dryRunView(plan)) : void (await cli.print(dryRunText(plan, { width: cli.width, colors: cli.colors })));
          }
          for (const orphan of await recoverOrphans(assembly.store, cli.io.clock.now())) await cli.note(`run ${orphan} was interrupted: \`assay resume ${orphan}\` goes on with it`);
          return runInFront(cli, assembly, await createRun(assembly), {});
        },
      );
    }),
  );
}
