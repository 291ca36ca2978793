/**
 * Makes a virtual environment with the Python clients that are tested, under `.cache/python`, where it is missing or stale, and prints
 * where its Python is. Usage: node scripts/python-clients.ts
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HOME = join(ROOT, '.cache', 'python');
const REQUIREMENTS = join(ROOT, 'test', 'support', 'python', 'requirements.txt');
const PYTHON = join(HOME, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
/** Says what is installed, and is written last: what was broken off has none. */
const MARK = join(HOME, 'installed');
const OLDEST = [3, 11] as const;

/**
 * Path of a Python that has the clients. Done in a moment where they are there; fetches some 80 MB of packages where not.
 *
 * @param say told what is going on, a line at a time
 * @throws Error saying what is missing, and how to get it
 */
export async function pythonClients(say: (line: string) => void = () => {}): Promise<string> {
  const requirements = await readFile(REQUIREMENTS, 'utf8');
  const wanted = createHash('sha256').update(requirements).digest('hex');
  const there = existsSync(MARK) ? await readFile(MARK, 'utf8') : undefined;
  // A virtual environment does not outlive the Python that it was made of.
  if (there === wanted && versionOf(PYTHON) !== undefined) return PYTHON;
  const startedAt = performance.now();
  await rm(HOME, { recursive: true, force: true });
  await mkdir(HOME, { recursive: true });
  say(`python clients: making a virtual environment in ${HOME}`);
  await makeEnvironment(say);
  const names = [...requirements.matchAll(/^([\w-]+==[\w.]+)$/gm)].slice(0, 3).map(([, name]) => name);
  say(`python clients: installing ${names.join(', ')} and what they need`);
  // Most of what they bring is never loaded: what is, is compiled then.
  await run(PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--no-compile', '--only-binary', ':all:', '-r', REQUIREMENTS]);
  await writeFile(MARK, wanted);
  say(`python clients: ready after ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  return PYTHON;
}

async function makeEnvironment(say: (line: string) => void): Promise<void> {
  const make = (): Promise<void> => run('python3', ['-m', 'venv', HOME]);
  try {
    requireVersion();
    await make();
  } catch (error) {
    if (process.getuid?.() !== 0 || versionOf('apt-get') === undefined) throw error;
    say(`python clients: ${error instanceof Error ? error.message : String(error)}: asking apt-get for python3-venv`);
    await run('apt-get', ['update', '-qq']);
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'python3', 'python3-venv']);
    requireVersion();
    await rm(HOME, { recursive: true, force: true });
    await make();
  }
}

function requireVersion(): void {
  const version = versionOf('python3');
  const [, major = '0', minor = '0'] = /Python (\d+)\.(\d+)/.exec(version ?? '') ?? [];
  const enough = Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1]);
  if (enough) return;
  throw new Error(`${version === undefined ? 'there is no python3' : `python3 is ${version}`}, and the clients need Python ${OLDEST.join('.')} or later with venv: install them, e.g. apt-get install python3 python3-venv`);
}

/** What a program says of its version; `undefined` where there is none that runs. */
function versionOf(program: string): string | undefined {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${[program, ...args].join(' ')} ended with ${String(code)}:\n${printed.slice(-2_000)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${await pythonClients((line) => process.stderr.write(`${line}\n`))}\n`);
}
