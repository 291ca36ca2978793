import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import pc from 'picocolors';
import { UsageError } from '../core/index.ts';
import type { Store } from '../store/contract.ts';
import type { AssayConfig, LoadedConfig } from '../config/index.ts';
import type { Io, Outlet } from './io.ts';
import { columnsOf } from './terminal-width.ts';

/** The options every command takes. */
export interface GlobalOptions {
  readonly db?: string;
  readonly json?: boolean;
  readonly color?: boolean;
  readonly config?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

export type Colors = ReturnType<typeof pc.createColors>;

/** What a command works with: where it prints, what it was told, and the way to config and store. */
export class Cli {
  readonly io: Io;
  readonly options: GlobalOptions;
  readonly stdout: Outlet;
  readonly stderr: Outlet;
  /** Colours for stdout and for stderr: one may be a terminal where the other is not. */
  readonly colors: Colors;
  readonly errColors: Colors;
  #loaded: Promise<LoadedConfig> | undefined;

  constructor(io: Io, options: GlobalOptions, outlets: { readonly stdout: Outlet; readonly stderr: Outlet }) {
    this.io = io;
    this.options = options;
    this.stdout = outlets.stdout;
    this.stderr = outlets.stderr;
    this.colors = pc.createColors(wantsColor(io, options, io.stdout.isTTY));
    this.errColors = pc.createColors(wantsColor(io, options, io.stderr.isTTY));
  }

  get json(): boolean {
    return this.options.json === true;
  }

  /** Columns of stdout; wide enough for whole tables where it is not a terminal. */
  get width(): number {
    return columnsOf(this.io.stdout, 120);
  }

  /** Prints to stdout, with a line end. Resolves to false when nobody reads any more. */
  print(text: string): Promise<boolean> {
    return this.stdout.write(`${text}\n`);
  }

  /** Prints the command's one JSON document. */
  async printJson(document: unknown): Promise<void> {
    await this.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  }

  /** Says something to the person on stderr; `--quiet` hides it. */
  async note(text: string): Promise<void> {
    if (this.options.quiet !== true) await this.stderr.write(`${text}\n`);
  }

  /** The configuration file with its defaults, read once. */
  loadConfig(): Promise<LoadedConfig> {
    this.#loaded ??= import('../config/index.ts').then(({ loadConfig }) =>
      loadConfig({ cwd: this.io.cwd, ...(this.options.config === undefined ? {} : { file: this.options.config }) }),
    );
    return this.#loaded;
  }

  /** Where results are kept: `--db`, then `ASSAY_DB`, then the configuration. */
  async storeLocation(config?: Pick<AssayConfig, 'store'>): Promise<string> {
    const named = this.options.db ?? this.io.env['ASSAY_DB'];
    if (named !== undefined && named !== '') return named;
    const { resolveEnv } = await import('../config/index.ts');
    return resolveEnv((config ?? (await this.loadConfig()).config).store, this.io.env, 'store');
  }

  /**
   * Opens the store that is there, hands it over, and closes it whatever happens. Runs whose process died are ended first,
   * so that what is shown is what is true.
   *
   * @throws UsageError `not_found` where there is no store yet: looking must not make one
   */
  async withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
    const location = await this.storeLocation();
    if (await this.isMissing(location)) {
      throw new UsageError({ code: 'not_found', message: `there are no results at ${location} yet`, hint: '`assay run` makes them; --db names another place' });
    }
    const { openStore, recoverOrphans, StoreError } = await import('../store/index.ts');
    const store = await openStore(location);
    try {
      await recoverOrphans(store, this.io.clock.now()).catch((error: unknown) => {
        // Looking at a store that cannot be written, or is busy, is still worth something.
        if (!StoreError.isInstance(error)) throw error;
      });
      return await use(store);
    } finally {
      await store.close();
    }
  }

  /** Whether a location is a file that does not exist. */
  async isMissing(location: string): Promise<boolean> {
    const path = /^sqlite:(.+)$/i.exec(location)?.[1];
    if (path === undefined || path === ':memory:') return false;
    return access(resolve(this.io.cwd, path)).then(
      () => false,
      () => true,
    );
  }
}

/** NO_COLOR (any value but empty) and `--no-color` turn colours off; FORCE_COLOR turns them on away from a terminal. */
function wantsColor(io: Io, options: GlobalOptions, isTerminal: boolean | undefined): boolean {
  if (options.color === false || (io.env['NO_COLOR'] ?? '') !== '') return false;
  const forced = io.env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '' && forced !== '0') return true;
  return isTerminal === true && io.env['TERM'] !== 'dumb';
}
