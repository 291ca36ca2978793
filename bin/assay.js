#!/usr/bin/env node
// Starts the command line: the built one in a published package, the TypeScript sources in a checkout.
// Written for any Node that knows ES modules, so that an old one gets a clear answer or a newer Node.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import * as module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED_MAJOR = 24;
const CHILD_MARK = 'ASSAY_STARTED_BY_WRAPPER';
const root = dirname(dirname(fileURLToPath(import.meta.url)));

if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  if (process.env[CHILD_MARK] !== undefined) {
    delete process.env[CHILD_MARK];
    dieWithWrapper();
  }
  module.enableCompileCache?.();
  const source = join(root, 'src', 'cli', 'main.ts');
  const entry = existsSync(source) ? source : join(root, 'dist', 'cli', 'main.js');
  const { runProcess } = await import(pathToFileURL(entry).href);
  await runProcess(process);
} else {
  const node = newerNode();
  if (node === undefined) {
    process.stderr.write(
      `error: Assay needs Node ${NEEDED_MAJOR} or newer, this is ${process.versions.node}\n` +
        `hint: install a newer Node, or add npm's package \`node@${NEEDED_MAJOR}\` to the project\n`,
    );
    process.exitCode = 2;
  } else {
    runUnder(node);
  }
}

/** The Node binary of npm's `node` package, wherever that was installed, or undefined. */
function newerNode() {
  try {
    const binary = join(dirname(module.createRequire(import.meta.url).resolve('node/package.json')), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

function runUnder(node) {
  const child = spawn(node, [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    // The channel carries nothing: its closing tells the child that this process was killed outright.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [CHILD_MARK]: '1' },
  });
  const forward = (signal) => {
    // A terminal sends Ctrl-C to the whole group: the child has it already, and twice would mean "abort".
    if (signal === 'SIGINT' && inForeground()) return;
    child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];
  for (const signal of signals) process.on(signal, forward);
  child.on('error', (error) => {
    process.stderr.write(`error: cannot start ${node}: ${error.message}\n`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    for (const each of signals) process.removeListener(each, forward);
    if (signal === null) process.exit(code ?? 1);
    else process.kill(process.pid, signal);
  });
}

/** Whether this process belongs to its terminal's foreground group (fields 5 and 8 of proc(5)'s stat). */
function inForeground() {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[2] === fields[5];
  } catch {
    return process.stdin.isTTY || process.stderr.isTTY;
  }
}

/** `kill -9` of the wrapper must be the end of the work too: nothing else tells this process. */
function dieWithWrapper() {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel?.unref();
}
