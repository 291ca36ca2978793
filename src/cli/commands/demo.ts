import { Command } from 'commander';
import type { CommandHost } from '../command-host.ts';

export function demoCommand(host: CommandHost): Command {
  return new Command('demo')
    .description('run probes against a simulated provider, kill the run, resume it, and compare the bill with the provider\'s own count; ends by itself in under two minutes')
    .action(
      host.action(async (cli) => {
        const { runDemo } = await import('../demo/run-demo.ts');
        return runDemo(cli);
      }),
    );
}
