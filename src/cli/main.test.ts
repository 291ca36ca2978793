import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AssayError, UsageError } from '../core/index.ts';
import type { CommandEntry } from './command-table.ts';
import { EXIT } from './exit-code.ts';
import { main } from './main.ts';
import { RecordingIo } from './testing/recording-io.ts';

let folder: string;
let io: RecordingIo;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
  io = new RecordingIo(folder);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A command that does what it is told. */
function command(name: string, body: () => Promise<number | void>): CommandEntry {
  return {
    name,
    summary: `does ${name}`,
    load: async () => (host) => new Command(name).option('--depth <n>').action(host.action(async () => (await body()) as never)),
  };
}

function failing(error: Error): CommandEntry[] {
  return [command('fail', () => Promise.reject(error))];
}

describe('the command line', () => {
  it('lists every command without loading one', async () => {
    const loaded: string[] = [];
    const entries = ['alpha', 'beta'].map((name) => ({ ...command(name, async () => {}), load: () => Promise.reject(new Error(`loaded ${loaded.push(name)}`)) }));
    expect(await main(['--help'], io, entries)).toBe(EXIT.done);
    expect(io.stdout.text).toContain('alpha');
    expect(io.stdout.text).toContain('does beta');
    expect(loaded).toEqual([]);
  });

  it('prints the version of the package', async () => {
    expect(await main(['--version'], io)).toBe(EXIT.done);
    expect(io.stdout.text).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('takes global options before and after the command', async () => {
    for (const argv of [['--json', '--db', 'sqlite:x', 'runs'], ['runs', '--json', '--db', 'sqlite:x']]) {
      const each = new RecordingIo(folder);
      expect(await main(argv, each)).toBe(EXIT.done);
      expect(each.stdout.text).toBe('[]\n');
    }
  });

  it("leaves what stands behind -- to the command, options of our names included", async () => {
    const seen: unknown[] = [];
    const entry: CommandEntry = {
      name: 'pass',
      summary: 'passes',
      load: async () => (host) => new Command('pass').argument('[rest...]').action(host.action<object, [string[]]>(async (cli, _options, rest) => void seen.push(cli.json, rest, host.behindDashes))),
    };
    expect(await main(['pass', '--', '--json', '-tag', '--', '--help', '--db', 'x'], io, [entry])).toBe(EXIT.done);
    expect(seen).toEqual([false, ['--json', '-tag', '--', '--help', '--db', 'x'], ['--json', '-tag', '--', '--help', '--db', 'x']]);
  });

  it('shows the help of one command, by option and by word', async () => {
    expect(await main(['usage', '--help'], io)).toBe(EXIT.done);
    expect(io.stdout.text).toContain('Usage: assay usage [options] [run]');
    const other = new RecordingIo(folder);
    expect(await main(['help', 'usage'], other)).toBe(EXIT.done);
    expect(other.stdout.text).toBe(io.stdout.text);
  });

  it.each([
    [['rns'], "error: unknown command 'rns'\nhint: Did you mean runs?\n"],
    [['doctor'], "error: unknown command 'doctor'\n"],
    [['runs', '--limmit', '3'], "error: unknown option '--limmit'\nhint: Did you mean --limit?\n"],
    [['runs', '--limit', '0'], "error: option '--limit <n>' argument '0' is invalid. It must be a whole number of at least 1.\n"],
    [['runs', '--status', 'done'], "error: option '--status <status>' argument 'done' is invalid."],
    [['show'], "error: missing required argument 'run'\n"],
    [[], 'error: no command given\nhint: `assay --help` lists the commands\n'],
  ])('answers wrong usage %j with what is wrong and exit code 2', async (argv, said) => {
    expect(await main(argv, io)).toBe(EXIT.usage);
    expect(io.stderr.text).toContain(said);
    expect(io.stdout.text).toBe('');
  });

  it('says an error and what to do about it', async () => {
    expect(await main(['fail'], io, failing(new UsageError({ message: 'no such file', hint: 'name another' })))).toBe(EXIT.usage);
    expect(io.stderr.text).toBe('error: no such file\nhint: name another\n');
  });

  it('with --json says an error as the one document on stdout', async () => {
    expect(await main(['fail', '--json'], io, failing(new UsageError({ code: 'config', message: 'bad', hint: 'fix it' })))).toBe(EXIT.usage);
    expect(JSON.parse(io.stdout.text)).toEqual({ error: { code: 'config', message: 'bad', hint: 'fix it' } });
    expect(io.stderr.text).toBe('');
  });

  it('with --json says wrong usage as the one document on stdout', async () => {
    expect(await main(['--json', 'rns'], io)).toBe(EXIT.usage);
    expect(JSON.parse(io.stdout.text)).toEqual({ error: { code: 'usage', message: "unknown command 'rns'", hint: 'Did you mean runs?' } });
  });

  it('shows the stack, causes too, with --verbose alone', async () => {
    const error = new AssayError({ code: 'store', message: 'outer', cause: new Error('inner') });
    await main(['fail'], io, failing(error));
    expect(io.stderr.text).not.toContain('    at ');
    const verbose = new RecordingIo(folder);
    expect(await main(['fail', '--verbose'], verbose, failing(error))).toBe(EXIT.incomplete);
    expect(verbose.stderr.text).toMatch(/AssayError: outer\n\s+at /);
    expect(verbose.stderr.text).toContain('caused by Error: inner');
  });

  it('owns up to an error of its own', async () => {
    expect(await main(['fail'], io, failing(new TypeError('x is not a function')))).toBe(EXIT.incomplete);
    expect(io.stderr.text).toBe('error: x is not a function\nhint: this should not happen; run again with --verbose for the stack and report it\n');
  });

  it("passes on a command's exit code", async () => {
    expect(await main(['gate'], io, [command('gate', async () => EXIT.gate)])).toBe(EXIT.gate);
  });

  it('ends quietly when the reader of stdout leaves', async () => {
    io.stdout.readsUntil = 0;
    expect(await main(['runs', '--json', '--db', 'sqlite:none.db'], io)).toBe(EXIT.done);
    expect(io.stderr.text).toBe('');
  });

  it.each([
    ['a terminal', {}, true, [], true],
    ['NO_COLOR', { NO_COLOR: '1' }, true, [], false],
    ['an empty NO_COLOR', { NO_COLOR: '' }, true, [], true],
    ['--no-color', {}, true, ['--no-color'], false],
    ['a pipe', {}, false, [], false],
  ])('colours errors or not: %s', async (_what, env, isTTY, argv, colored) => {
    const each = new RecordingIo(folder, env);
    each.stderr.isTTY = isTTY;
    await main(['fail', ...argv], each, failing(new UsageError({ message: 'bad' })));
    expect(each.stderr.text.includes('\u001B[31m')).toBe(colored);
  });
});
