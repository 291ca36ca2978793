import type { Command } from 'commander';
import type { CommandHost } from './command-host.ts';

/** A command's line in the overview, and how to get the command itself. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Loaded only when the command is asked for: the overview must not pay for it. */
  readonly load: () => Promise<(host: CommandHost) => Command>;
}

/** Every command, in the order of the overview. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'run', summary: 'run suites against targets', load: async () => (await import('./commands/run.ts')).runCommand },
  { name: 'resume', summary: 'go on with a run where it stopped', load: async () => (await import('./commands/resume.ts')).resumeCommand },
  { name: 'exec', summary: 'run a command, its model calls counted, limited and capped', load: async () => (await import('./commands/exec.ts')).execCommand },
  { name: 'gateway', summary: 'serve a gateway that counts and limits what passes', load: async () => (await import('./commands/gateway.ts')).gatewayCommand },
  { name: 'init', summary: 'write a commented assay.yaml', load: async () => (await import('./commands/init.ts')).initCommand },
  { name: 'plugins', summary: 'list what can be run', load: async () => (await import('./commands/plugins.ts')).pluginsCommand },
  { name: 'runs', summary: 'list runs, newest first', load: async () => (await import('./commands/runs.ts')).runsCommand },
  { name: 'show', summary: "show a run's goals, or one goal's transcript", load: async () => (await import('./commands/show.ts')).showCommand },
  { name: 'usage', summary: 'show calls, tokens, cost and waits of a run', load: async () => (await import('./commands/usage.ts')).usageCommand },
  { name: 'report', summary: 'export a run', load: async () => (await import('./commands/report.ts')).reportCommand },
  { name: 'purge', summary: 'delete runs and all that belongs to them', load: async () => (await import('./commands/purge.ts')).purgeCommand },
  { name: 'demo', summary: 'see it all work against a simulated provider', load: async () => (await import('./commands/demo.ts')).demoCommand },
  { name: 'sim', summary: 'start the simulated provider', load: async () => (await import('./commands/sim.ts')).simCommand },
];
