import { AssayError, describeError, newRunId, type CallSettlement, type Env, type JsonObject, type RunStatus, type Scope } from '../core/index.ts';
import { countProcess, exportScope, scopeFromText, setProcessScope, UsageTally, type CarriedScope, type LlmUsage } from '../ledger/index.ts';
import type { Budget } from '../limiter/index.ts';
import { installNodeHttpTap, installUndiciTap, installWorkerPatch, Places, workerThread, type MeterDeps, type Tap, type TapOptions, type Uncounted } from '../transport/index.ts';
import type { MeterBooks } from './meter-books.ts';

export interface MeterOptions {
  /** Where calls are recorded, `sqlite:PATH`; `ASSAY_DB`, then the configuration's `store` by default. */
  readonly db?: string;
  /** A configuration file, or a configuration: its limits, prices and budgets hold. The one in the working folder by default. */
  readonly config?: string | JsonObject;
  /** Name of the run; `ASSAY_RUN_NAME`, then the script's name by default. */
  readonly name?: string;
  readonly cwd?: string;
  readonly env?: Env;
}

/** Watches the model calls of this process. */
export interface Meter {
  /** Id of the run that calls are charged to. Opens the store; rejects where it cannot be opened. */
  readonly runId: Promise<string>;
  /** What this process has used so far. Calls are counted as they end. */
  usage(): LlmUsage;
  /** Resolves once every call that has left is counted and committed. */
  settled(): Promise<void>;
  /** Takes the meter off: waits for the calls under way, ends the run, closes the store. What goes wrong is said on stderr. */
  close(): Promise<void>;
}

const METER = Symbol.for('assay.meter.1');
/** From source or built. */
const REGISTER = new URL(import.meta.url.endsWith('.ts') ? '../register.ts' : '../register.js', import.meta.url).href;

/**
 * Counts every model call of this process from now on, whatever library makes it: calls through `fetch` and undici also wait for the limits of the
 * configuration; those through `node:http` are charged to them afterwards. Calls are charged to the run of `ASSAY_SCOPE` where the environment
 * has it (under `assay exec`), else to a run of the process's own, recorded at the first call.
 *
 * Nothing is opened before the first call. A process has one meter: installed again, it is the same one. The program's own behaviour is left
 * alone: it is neither kept alive nor does it fail when calls cannot be recorded, which is said once on stderr. With `ASSAY_STRICT=1` calls that
 * cannot be recorded do not leave.
 *
 * @throws UsageError with `ASSAY_STRICT=1`, for an environment that cannot be read
 * @example
 * const meter = installMeter();
 * await agent.run();
 * console.log(meter.usage().total_tokens);
 */
export function installMeter(options: MeterOptions = {}): Meter {
  const shared = globalThis as { [METER]?: Meter | undefined };
  shared[METER] ??= new ProcessMeter(options, () => void (shared[METER] = undefined));
  return shared[METER];
}

/** What a thread's meter is told by that of the thread which made it: the same books. */
interface ThreadOptions extends Pick<MeterOptions, 'db' | 'config'> {
  readonly cwd: string;
  readonly strict: boolean;
  readonly gatewayUrl: string | undefined;
  /** In which it was made. */
  readonly scope: string;
}

class ProcessMeter implements Meter {
  readonly #options: MeterOptions;
  readonly #env: Env;
  readonly #cwd: string;
  readonly #strict: boolean;
  readonly #gatewayUrl: string | undefined;
  readonly #runId: string;
  /** The same, where the run is this process's own. */
  readonly #ownRunId: string | undefined;
  readonly #inherited: Scope | undefined;
  readonly #tally = new UsageTally();
  readonly #places = new Places();
  readonly #budgets: Budget[] = [];
  readonly #taps: readonly Tap[];
  readonly #undo: (() => void)[] = [];
  #books: Promise<MeterBooks> | undefined;
  #opened: MeterBooks | undefined;
  /** Calls were entered since the run was last said to have ended. */
  #unfinished = false;
  #said = false;
  #closed: Promise<void> | undefined;

  constructor(given: MeterOptions, onClose: () => void) {
    const thread = workerThread();
    const made = thread?.given as ThreadOptions | undefined;
    this.#options = { ...given, ...made };
    this.#env = given.env ?? process.env;
    this.#cwd = this.#options.cwd ?? process.cwd();
    this.#strict = made?.strict ?? this.#env['ASSAY_STRICT'] === '1';
    this.#gatewayUrl = made === undefined ? this.#givenGateway() : made.gatewayUrl;
    const carried = this.#givenScope(made?.scope ?? this.#env['ASSAY_SCOPE']);
    this.#ownRunId = carried.scope.runId === undefined ? newRunId(Date.now()) : undefined;
    this.#runId = carried.scope.runId ?? this.#ownRunId!;
    this.#inherited = carried.scope.runId === undefined ? undefined : carried.scope;
    this.#undo.push(setProcessScope({ ...carried.scope, runId: this.#runId }, this.#tally, carried.forks), onClose);
    if (thread !== undefined) this.#undo.push(countProcess(thread.counter));
    const options: TapOptions = {
      meter: () => this.#meter(),
      places: this.#places,
      budgets: this.#budgets,
      strict: this.#strict,
      ...(this.#gatewayUrl === undefined ? {} : { gatewayUrl: this.#gatewayUrl }),
      onUncounted: (uncounted) => this.#warnUncounted(uncounted),
      onFailure: (error) => this.#failed(error),
    };
    this.#taps = [installUndiciTap(options), installNodeHttpTap(options)];
    this.#undo.push(this.#watchThreads());
    process.on('beforeExit', this.#onBeforeExit);
    process.on('exit', this.#onExit);
  }

  get runId(): Promise<string> {
    return this.#open().then(() => this.#runId);
  }

  usage(): LlmUsage {
    return this.#tally.toDict();
  }

  async settled(): Promise<void> {
    await Promise.all(this.#taps.map((tap) => tap.settled()));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const tap of this.#taps) tap.remove();
    process.off('beforeExit', this.#onBeforeExit);
    await this.settled();
    for (const undo of this.#undo) undo();
    try {
      const books = await this.#books;
      await books?.finish('completed', null);
      await books?.close();
    } catch (error) {
      this.#failed(error);
    } finally {
      process.off('exit', this.#onExit);
    }
  }

  async #meter(): Promise<MeterDeps> {
    this.#unfinished = true;
    return (this.#opened ?? (await this.#open())).deps;
  }

  #open(): Promise<MeterBooks> {
    this.#books ??= this.#openBooks();
    return this.#books;
  }

  async #openBooks(): Promise<MeterBooks> {
    // All that a program without model calls has no need of.
    const { openMeterBooks } = await import('./meter-books.ts');
    const books = await openMeterBooks({
      ownRun: this.#ownRunId === undefined ? undefined : { id: this.#ownRunId, name: this.#options.name },
      inherited: this.#inherited,
      db: this.#options.db,
      config: this.#options.config,
      cwd: this.#cwd,
      env: this.#env,
    });
    for (const place of books.places) this.#places.add(place);
    this.#budgets.push(...books.budgets);
    this.#opened = books;
    return books;
  }

  /** Nothing is left to do but what is not committed yet. */
  readonly #onBeforeExit = (): void => {
    if (!this.#unfinished || this.#opened === undefined) return;
    this.#unfinished = false;
    const books = this.#opened;
    void this.settled()
      .then(() => books.finish(...programEnd(Number(process.exitCode ?? 0))))
      .catch((error: unknown) => this.#failed(error));
  };

  readonly #onExit = (code: number): void => {
    if (this.#opened === undefined) return;
    try {
      for (const tap of this.#taps) tap.abandon();
      this.#opened.finishNow(...programEnd(code));
    } catch (error) {
      this.#failed(error);
    }
  };

  #watchThreads(): () => void {
    const { db, config } = this.#options;
    const options = (): ThreadOptions => ({
      ...(db === undefined ? {} : { db }),
      ...(config === undefined ? {} : { config }),
      cwd: this.#cwd,
      strict: this.#strict,
      gatewayUrl: this.#gatewayUrl,
      scope: exportScope(),
    });
    const enter = async (settlements: readonly CallSettlement[]): Promise<void> => {
      this.#unfinished = true;
      await (await this.#open()).settle(settlements);
    };
    const patch = installWorkerPatch({
      registerUrl: REGISTER,
      exportScope: options,
      // The run that a thread's calls are charged to is recorded here.
      onWorkerCall: () => void enter([]).catch((error: unknown) => this.#failed(error)),
      onUnsettled: (settlements) => void enter(settlements).catch((error: unknown) => this.#failed(error)),
      onUnmetered: (module) => warn(`${module ?? 'a module'} started a worker thread past the meter: calls made in it are not counted`),
    });
    return () => patch.remove();
  }

  #givenScope(text: string | undefined): CarriedScope {
    const none: CarriedScope = { scope: {}, forks: [] };
    if (text === undefined || text === '') return none;
    try {
      return scopeFromText(text);
    } catch (error) {
      if (this.#strict) throw error;
      warn(`ASSAY_SCOPE cannot be read, so calls go into a run of their own: ${describeError(error)}`);
      return none;
    }
  }

  #givenGateway(): string | undefined {
    const url = this.#env['ASSAY_GATEWAY_URL'];
    return url !== undefined && URL.canParse(url) ? url : undefined;
  }

  #warnUncounted({ host, path, module, reason }: Uncounted): void {
    warn(`${module ?? 'a module'} calls ${host}${path}, which is not counted: ${reason}`);
  }

  #failed(error: unknown): void {
    // A call that was under way when the meter was taken off.
    if (this.#said || (AssayError.isInstance(error) && error.code === 'cancelled')) return;
    this.#said = true;
    const hint = AssayError.isInstance(error) && error.hint !== undefined ? ` (${error.hint})` : '';
    warn(`calls of this program are not counted${this.#strict ? ' and do not leave' : ''}: ${describeError(error)}${hint}`);
  }
}

function programEnd(code: number): [status: RunStatus, reason: string | null] {
  return code === 0 ? ['completed', null] : ['failed', `the program ended with exit code ${code}`];
}

/** A program's stderr may be closed, which is no reason to end it. */
function warn(message: string): void {
  try {
    process.stderr.write(`assay: ${message}\n`);
  } catch {
    // Nobody can be told.
  }
}
