import type { CommanderError } from 'commander';
import pc from 'picocolors';
import { AssayError, UsageError, describeError } from '../core/index.ts';
import type { Outlet } from './io.ts';

/** Says an error as everywhere else: what happened, then what to do. */
export async function printError(
  error: unknown,
  outlets: { readonly stdout: Outlet; readonly stderr: Outlet },
  options: { readonly json: boolean; readonly verbose: boolean; readonly color: boolean },
): Promise<void> {
  const colors = pc.createColors(options.color);
  const known = AssayError.isInstance(error);
  const code = known ? error.code : 'internal';
  // Our own messages are whole; causes are for --verbose.
  const message = known ? error.message : describeError(error);
  const hint = known ? error.hint : 'this should not happen; run again with --verbose for the stack and report it';
  if (options.json) {
    await outlets.stdout.write(`${JSON.stringify({ error: { code, message, hint: hint ?? null } }, undefined, 2)}\n`);
  } else {
    await outlets.stderr.write(`${colors.red('error:')} ${message}\n${hint === undefined ? '' : `${colors.cyan('hint:')} ${hint}\n`}`);
  }
  if (options.verbose && error instanceof Error) await outlets.stderr.write(`${stackOf(error)}\n`);
}

/** Turns a parse failure into an Assay error: commander's own first line, its suggestion as the hint. */
export function usageErrorFrom(error: CommanderError, spoken: string): UsageError {
  if (error.code === 'commander.help') return new UsageError({ message: 'no command given', hint: '`assay --help` lists the commands' });
  const [first = '', ...rest] = (error.message === '' ? spoken : error.message).trim().split('\n');
  const suggestion = rest.join(' ').trim().replaceAll(/^\(|\)$/g, '');
  return new UsageError({
    message: first.replace(/^error: /, ''),
    hint: suggestion === '' ? '`assay --help` lists the commands, `assay COMMAND --help` the options of one' : suggestion,
  });
}

function stackOf(error: Error): string {
  const own = error.stack ?? String(error);
  return error.cause instanceof Error ? `${own}\ncaused by ${stackOf(error.cause)}` : own;
}
