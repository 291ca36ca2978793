import { Command, CommanderError } from 'commander';
import { AssayError } from '../core/index.ts';
import { CommandHost } from './command-host.ts';
import { COMMANDS, type CommandEntry } from './command-table.ts';
import { printError, usageErrorFrom } from './error-output.ts';
import { EXIT, exitCodeOfError } from './exit-code.ts';
import { Outlet, processIo, type Io } from './io.ts';
import { claimStdout, watchForEarlyEnd } from './process-guards.ts';
import { columnsOf } from './terminal-width.ts';
import { packageVersion } from './version.ts';

/**
 * The command line.
 *
 * @param argv arguments without Node and script, e.g. `['runs', '--json']`
 * @returns the exit code; nothing is thrown
 */
export async function main(argv: readonly string[], io: Io, commands: readonly CommandEntry[] = COMMANDS): Promise<number> {
  const outlets = { stdout: new Outlet(io.stdout), stderr: new Outlet(io.stderr) };
  const dashes = argv.indexOf('--');
  // What stands behind the dashes is not ours to read: options there are another program's.
  const own = dashes === -1 ? argv : argv.slice(0, dashes);
  const behind = dashes === -1 ? undefined : argv.slice(dashes + 1);
  const host = new CommandHost(io, outlets, behind);
  const spoken: string[] = [];
  const texts: Promise<boolean>[] = [];
  try {
    const program = await buildProgram(own, host, commands);
    for (const command of [program, ...program.commands]) {
      command.exitOverride();
      command.configureOutput({
        writeOut: (text) => void texts.push(outlets.stdout.write(text)),
        writeErr: (text) => void spoken.push(text),
        getOutHelpWidth: () => columnsOf(io.stdout, 100),
      });
    }
    await program.parseAsync([...own.map(exclusion), ...(behind === undefined ? [] : ['--', ...behind])], { from: 'user' });
    return host.exitCode;
  } catch (error) {
    // Asked-for help and version are printed by then; so is the help of a call without a command, which is wrong usage.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    const shown = error instanceof CommanderError ? usageErrorFrom(error, spoken.join('')) : error;
    await printError(shown, outlets, {
      json: own.includes('--json'),
      verbose: own.includes('--verbose'),
      color: io.stderr.isTTY === true && !own.includes('--no-color') && (io.env['NO_COLOR'] ?? '') === '',
    });
    return AssayError.isInstance(shown) ? exitCodeOfError(shown.code) : EXIT.incomplete;
  } finally {
    await Promise.all(texts);
  }
}

/** Runs the command line as this process: its arguments, streams and exit code. */
export async function runProcess(process: NodeJS.Process): Promise<void> {
  const argv = process.argv.slice(2);
  const dashes = argv.indexOf('--');
  const json = (dashes === -1 ? argv : argv.slice(0, dashes)).includes('--json');
  const io = processIo(process);
  const ended = watchForEarlyEnd(process);
  const code = await main(argv, json ? { ...io, stdout: claimStdout(process) } : io);
  ended();
  // A Ctrl-C while the process is taken down must not make its end another one.
  io.onSignal(() => {}, ['SIGINT', 'SIGTERM', 'SIGHUP']);
  // Ends here even where a library left a socket or timer behind; what was printed was handed over before.
  process.exit(code);
}

/** A suite taken out again (`-probes.encoding.braille`) looks like an option; behind an exclamation mark it does not. */
function exclusion(argument: string): string {
  return /^-(?:probes|tag)\b/.test(argument) ? `!${argument.slice(1)}` : argument;
}

async function buildProgram(argv: readonly string[], host: CommandHost, commands: readonly CommandEntry[]): Promise<Command> {
  const program = new Command('assay')
    .description('Run LLM evaluations and red-team probes where every model call is counted, no quota is overrun and no result is lost.')
    .version(await packageVersion(), '-V, --version')
    .showSuggestionAfterError()
    .option('--db <location>', 'where results are kept: sqlite:PATH (also ASSAY_DB; default sqlite:.assay/assay.db)')
    .option('--config <file>', 'configuration file (default: assay.yaml or assay.config.ts in this folder)')
    .option('--json', 'print exactly one JSON document on stdout')
    .option('--no-color', 'no colours (also NO_COLOR)')
    .option('--quiet', 'only results and errors')
    .option('--verbose', 'more detail; stack traces of errors')
    .addHelpText('after', '\n`assay COMMAND --help` says more about a command.');
  const asked = askedCommand(argv);
  for (const entry of commands) {
    if (entry.name !== asked) {
      program.command(entry.name, entry.name === 'help' ? { hidden: true } : {}).summary(entry.summary).description(entry.summary);
      continue;
    }
    const build = await entry.load();
    const command = build(host).summary(entry.summary).showSuggestionAfterError();
    if (command.description() === '') command.description(entry.summary);
    program.addCommand(command.configureHelp({ showGlobalOptions: true }));
  }
  return program;
}

/** The command's name: the first argument that is neither an option nor the value of one. `help X` asks for X. */
function askedCommand(argv: readonly string[]): string | undefined {
  const operands: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!;
    if (argument === '--db' || argument === '--config') i++;
    else if (!argument.startsWith('-')) operands.push(argument);
  }
  return operands[0] === 'help' ? operands[1] : operands[0];
}
