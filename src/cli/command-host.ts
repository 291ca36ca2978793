import type { Command } from 'commander';
import { Cli, type GlobalOptions } from './cli.ts';
import { EXIT } from './exit-code.ts';
import type { Io, Outlet } from './io.ts';

/** Ties commands to the process: gives each its `Cli`, and keeps the exit code. */
export class CommandHost {
  readonly io: Io;
  readonly #outlets: { readonly stdout: Outlet; readonly stderr: Outlet };
  /** Arguments behind `--`; `undefined` where there was none. */
  readonly behindDashes: readonly string[] | undefined;
  /** One of `EXIT`, or that of a command that was run for the user. */
  exitCode: number = EXIT.done;

  constructor(io: Io, outlets: { readonly stdout: Outlet; readonly stderr: Outlet }, behindDashes?: readonly string[]) {
    this.io = io;
    this.behindDashes = behindDashes;
    this.#outlets = outlets;
  }

  /**
   * Makes a commander action of a command's body. Commander passes arguments first, then options, then the command.
   *
   * @example new Command('runs').option('--limit <n>').action(host.action(async (cli, options) => { … }))
   */
  action<Options, Args extends unknown[] = []>(
    body: (cli: Cli, options: Options, ...args: Args) => Promise<number | void>,
  ): (...received: unknown[]) => Promise<void> {
    return async (...received) => {
      const command = received.at(-1) as Command;
      const globals = command.optsWithGlobals<GlobalOptions>();
      const cli = new Cli(this.io, globals, this.#outlets);
      const args = received.slice(0, -2) as Args;
      const code = await body(cli, command.opts<Options & Record<string, unknown>>(), ...args);
      if (typeof code === 'number') this.exitCode = code;
    };
  }
}
