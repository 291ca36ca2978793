import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { basename, extname, isAbsolute, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describeError, sha256, UsageError } from '../../core/index.ts';
import { readExperiment, type LoadedExperiment } from './loaded-experiment.ts';
import { lineIn } from './trial-failure.ts';

const EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

/** Which local files each module imports, as seen when it was first loaded: a module is loaded once in a process. */
const imports = new Map<string, Set<string>>();
/** What files held when this process loaded them. */
const loaded = new Map<string, string>();

/**
 * Loads an experiment from a module of the user's.
 *
 * @param given as typed, relative to `cwd`
 * @throws UsageError `input` for a file that is not there, `config` for one that cannot be loaded or exports no experiment, with the line
 */
export async function loadExperimentFile(given: string, cwd: string): Promise<LoadedExperiment> {
  const file = resolve(cwd, given);
  const shown = shownPath(file, cwd);
  if (!EXTENSIONS.includes(extname(file))) {
    throw new UsageError({ code: 'input', message: `${shown === '' ? 'this folder' : shown} is no module: an experiment is a ${EXTENSIONS.join(', ')} file`, hint: 'name the module whose default export is the experiment, e.g. experiments:./my-experiment.ts' });
  }
  await readText(file, shown);
  const module = await importModule(file, shown, cwd);
  const files = localFiles(file);
  const hashes = await Promise.all(files.map(async (path) => hashOf(path, await readText(path, shownPath(path, cwd)), cwd)));
  return readExperiment(module.default, { shown, defaultName: defaultName(file), contentHash: sha256(hashes.join('\n')), files });
}

function hashOf(path: string, text: string, cwd: string): string {
  const hash = sha256(text);
  const before = loaded.get(path) ?? hash;
  loaded.set(path, before);
  if (before === hash) return hash;
  // What runs is what was loaded first; a hash of anything else would vouch for code that does not run.
  throw new UsageError({ code: 'input', message: `${shownPath(path, cwd)} has changed since this process loaded it`, hint: 'start the process again' });
}

async function importModule(file: string, shown: string, cwd: string): Promise<{ readonly default?: unknown }> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context);
      const from = localPath(context.parentURL);
      const to = localPath(resolved.url);
      if (from !== undefined && to !== undefined) imports.set(from, (imports.get(from) ?? new Set()).add(to));
      return resolved;
    },
  });
  try {
    const module = (await orNever(import(pathToFileURL(file).href), shown)) as { readonly default?: unknown };
    // A CommonJS module that was compiled from an ES module has its default within its default.
    const inner = module.default as { readonly __esModule?: unknown; readonly default?: unknown } | undefined;
    return typeof inner === 'object' && inner !== null && inner.__esModule === true ? { default: inner.default } : module;
  } catch (error) {
    if (UsageError.isInstance(error)) throw error;
    throw await unloadable(error, file, shown, cwd);
  } finally {
    hooks.deregister();
  }
}

/** A module may await, at its top level, what never comes: then Node has nothing left to do and would end the process. */
async function orNever<T>(loading: Promise<T>, shown: string): Promise<T> {
  const { promise: never, reject } = Promise.withResolvers<never>();
  const onEmpty = (): void => reject(new UsageError({ code: 'config', message: `${shown}: cannot load the experiment: its top level awaits something that never happens`, hint: 'look for an await outside of functions, in it and in what it imports' }));
  process.once('beforeExit', onEmpty);
  try {
    return await Promise.race([loading, never]);
  } finally {
    process.off('beforeExit', onEmpty);
  }
}

async function unloadable(error: unknown, file: string, shown: string, cwd: string): Promise<UsageError> {
  const place = await placeOf(error, file, cwd);
  const kind = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';
  const hint = hasCode(error, 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    ? 'Node runs TypeScript by stripping its types: enums, namespaces and parameter properties are not among what it can strip'
    : hasCode(error, 'ERR_MODULE_NOT_FOUND')
      ? 'check the import: a local file is named with its extension, a package must be installed'
      : 'run the file with Node by itself to see where it fails';
  return new UsageError({ code: 'config', message: `${place ?? shown}: cannot load the experiment: ${kind}${describeError(error)}`, hint, cause: error });
}

/** Where a module failed to load, as `FILE:LINE`. */
async function placeOf(error: unknown, file: string, cwd: string): Promise<string | undefined> {
  if (!(error instanceof Error)) return undefined;
  // Of a syntax error Node puts the place above the message.
  const heading = /^(?:file:\/\/)?(\/.+|[A-Za-z]:\\.+):(\d+)\n/.exec(error.stack ?? '');
  if (heading !== null) return `${shownPath(decodeURIComponent(heading[1]!), cwd)}:${heading[2]}`;
  const files = localFiles(file);
  if (error.name === 'SyntaxError') {
    for (const each of files) {
      const line = await syntaxErrorLine(each);
      if (line !== undefined) return `${shownPath(each, cwd)}:${line}`;
    }
    return undefined;
  }
  for (const each of files) {
    const line = lineIn(error, each);
    if (line !== undefined) return `${shownPath(each, cwd)}:${line}`;
  }
  return undefined;
}

/** Node tells the line of a JavaScript module's syntax error only where it is the main program. */
function syntaxErrorLine(file: string): Promise<string | undefined> {
  return new Promise((found) => {
    execFile(process.execPath, ['--check', file], { env: { ...process.env, NODE_OPTIONS: '' } }, (_error, _stdout, stderr) => found(/:(\d+)\r?\n/.exec(stderr)?.[1]));
  });
}

/** A module and the local files it imports, and those they import; the module first, the others in order of their names. */
function localFiles(entry: string): string[] {
  const found = new Set([entry]);
  for (const each of found) for (const imported of imports.get(each) ?? []) found.add(imported);
  return [entry, ...[...found].filter((path) => path !== entry).toSorted()];
}

/** Packages are left out: their versions are the lock file's affair. */
function localPath(url: string | undefined): string | undefined {
  if (url?.startsWith('file:') !== true) return undefined;
  const path = fileURLToPath(url);
  return path.split(sep).includes('node_modules') ? undefined : path;
}

async function readText(path: string, shown: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError({ code: 'input', message: `cannot read ${shown}: ${describeError(error)}`, hint: 'check the path and its permissions', cause: error });
  }
}

/** The file's name without extension, in the letters that a name may have. */
function defaultName(file: string): string {
  return basename(file, extname(file)).replaceAll(/[^\w.-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'experiment';
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function shownPath(file: string, cwd: string): string {
  const short = relative(cwd, file);
  return short.startsWith('..') || isAbsolute(short) ? file : short;
}
