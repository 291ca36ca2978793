import { access, readFile } from 'node:fs/promises';
import { extname, isAbsolute, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError, describeError } from '../core/index.ts';
import { parseConfig, readConfigText } from './document.ts';
import { configSchema, type AssayConfig, type AssayConfigInput } from './schema.ts';

/** Names a configuration is looked for under, in the working folder. */
export const CONFIG_FILES = ['assay.yaml', 'assay.yml', 'assay.config.ts', 'assay.config.mts', 'assay.config.js', 'assay.config.mjs', 'assay.json'] as const;

/** A configuration and the file it came from. */
export interface LoadedConfig {
  readonly config: AssayConfig;
  /** Absolute path; `undefined` where there is none and the defaults hold. */
  readonly file: string | undefined;
}

/** The configuration that holds where no file says otherwise. */
export function defaultConfig(): AssayConfig {
  return configSchema.parse({});
}

/** Gives a configuration module its type: `export default defineConfig({ … })`. */
export function defineConfig(config: AssayConfigInput): AssayConfigInput {
  return config;
}

/**
 * Reads the configuration: the named file, or the one in the working folder, or the defaults.
 * YAML and JSON are read as data; a module's default export is the configuration.
 *
 * @throws UsageError `config` or `input` that names the file and what is wrong with it
 */
export async function loadConfig(options: { readonly cwd: string; readonly file?: string }): Promise<LoadedConfig> {
  const file = options.file === undefined ? await findConfig(options.cwd) : resolve(options.cwd, options.file);
  if (file === undefined) return { config: defaultConfig(), file: undefined };
  const shown = shownPath(file, options.cwd);
  switch (extname(file)) {
    case '.yaml':
    case '.yml':
    case '.json':
      return { config: readConfigText(await readText(file, shown), shown), file };
    case '.ts':
    case '.mts':
    case '.js':
    case '.mjs':
      return { config: parseConfig(await importDefault(file, shown), { file: shown }), file };
    default:
      throw new UsageError({ code: 'config', message: `${shown} is not a configuration file`, hint: `name it like one of ${CONFIG_FILES.join(', ')}` });
  }
}

async function findConfig(cwd: string): Promise<string | undefined> {
  const found: string[] = [];
  for (const name of CONFIG_FILES) {
    const file = resolve(cwd, name);
    if (await exists(file)) found.push(file);
  }
  if (found.length > 1) {
    throw new UsageError({
      code: 'config',
      message: `there are ${found.length} configurations here: ${found.map((file) => relative(cwd, file)).join(', ')}`,
      hint: 'say which with --config FILE',
    });
  }
  return found[0];
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function readText(file: string, shown: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(shown, error);
  }
}

async function importDefault(file: string, shown: string): Promise<unknown> {
  if (!(await exists(file))) throw unreadable(shown, new Error('no such file'));
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
  } catch (error) {
    throw new UsageError({ code: 'config', message: `${shown} cannot be loaded: ${describeError(error)}`, hint: 'run it with Node by itself to see where it fails', cause: error });
  }
  if (module.default === undefined) {
    throw new UsageError({ code: 'config', message: `${shown} has no default export`, hint: 'write: export default { targets: [ … ] }' });
  }
  return module.default;
}

function unreadable(shown: string, error: unknown): UsageError {
  return new UsageError({ code: 'config', message: `cannot read ${shown}: ${describeError(error)}`, hint: '`assay init` writes a configuration', cause: error });
}

function shownPath(file: string, cwd: string): string {
  const short = relative(cwd, file);
  return short.startsWith('..') || isAbsolute(short) ? file : short;
}
