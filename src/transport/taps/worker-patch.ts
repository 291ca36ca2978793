import { subscribe, unsubscribe, type ChannelListener } from 'node:diagnostics_channel';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import workerThreads, { getEnvironmentData, setEnvironmentData, type Worker, type WorkerOptions } from 'node:worker_threads';
import { newId, type CallIntent, type CallSettlement } from '../../core/index.ts';
import { currentTallies } from '../../ledger/index.ts';
import { callingModule, stackHere } from './calling-module.ts';
import { WorkerCalls } from './worker-calls.ts';
import { HANDOVER, inheritedFlags, type Handover } from './worker-handover.ts';

export interface WorkerPatchOptions {
  /** `file:` address of the module that installs the meter; without top-level await. Threads load it before their own code. */
  readonly registerUrl: string;
  /**
   * What a thread's meter has to know: where the books are, and whom its calls are charged to. Asked when a thread is made, in the context that
   * makes it; must be of a kind that can be cloned. The thread finds it in `workerThread()`.
   */
  readonly exportScope: () => unknown;
  /** Told of each call of a thread that settled, or was lost with it. What counts the scope in which it was made has counted it by then. */
  readonly onWorkerCall: (intent: CallIntent, settlement: CallSettlement) => void;
  /**
   * A thread ended, terminated perhaps, before its books were closed: these are to be entered for it, now. What it has entered itself
   * stays as it is.
   */
  readonly onUnsettled: (settlements: readonly CallSettlement[]) => void;
  /** Told of who made a thread past the patch: by a `Worker` that was taken out of its module before. Its calls are not counted. */
  readonly onUnmetered?: (module: string | null) => void;
}

const CREATED = 'worker_threads';
const INVALID_FLAGS = 'ERR_WORKER_INVALID_EXEC_ARGV';

/**
 * Makes worker threads load the meter too, charged to the scope in which they are made, whatever their `execArgv`, `env`, `workerData` and
 * `eval`. Programs see the same `Worker`, flags and environment as without it.
 *
 * Child processes are not touched: `NODE_OPTIONS` carries the meter to those where it is set for the whole program.
 */
export function installWorkerPatch(options: WorkerPatchOptions): { remove(): void } {
  const original = workerThreads.Worker;
  let removed = false;
  let making = 0;
  const patched = new Proxy(original, {
    construct: (target, args, newTarget) => {
      const make = (given: readonly unknown[]): Worker => Reflect.construct(target, given, newTarget) as Worker;
      if (removed) return make(args);
      making++;
      try {
        return makeMetered(args, make, options);
      } finally {
        making--;
      }
    },
  });
  const onCreated: ChannelListener = (message) => {
    const { worker } = message as { readonly worker: Worker };
    // Node runs loader hooks in a thread of its own.
    if (making === 0 && worker.constructor.name !== 'InternalWorker') options.onUnmetered?.(callingModule(stackHere()));
  };
  exportWorker(patched);
  subscribe(CREATED, onCreated);
  return {
    remove: () => {
      if (removed) return;
      removed = true;
      unsubscribe(CREATED, onCreated);
      // Whoever has put something over it since keeps it: it passes everything through now.
      if (workerThreads.Worker === patched) exportWorker(original);
    },
  };
}

function exportWorker(worker: typeof Worker): void {
  (workerThreads as { Worker: typeof Worker }).Worker = worker;
  syncBuiltinESMExports();
}

function makeMetered(args: readonly unknown[], make: (args: readonly unknown[]) => Worker, { registerUrl, exportScope, onWorkerCall, onUnsettled }: WorkerPatchOptions): Worker {
  const [file, given = {}, ...rest] = args;
  if (typeof given !== 'object' || given === null) return make(args);
  const { execArgv, env } = given as WorkerOptions;
  if (execArgv !== undefined && !Array.isArray(execArgv)) return make(args);
  // A thread with an environment of its own takes no flags over from this one.
  const flags = execArgv ?? (typeof env === 'object' && env !== null ? [] : inheritedFlags());
  const channel = `assay-worker-${newId()}`;
  const calls = new WorkerCalls({ channel, counters: currentTallies(), onWorkerCall, onUnsettled });
  const start = (allowed: readonly string[]): Worker => {
    const handover: Handover = { channel, flags: [...allowed], shown: [...(execArgv ?? process.execArgv)], given: exportScope() };
    const withMeter = Object.create(given, { execArgv: { value: [...allowed, ...loading(registerUrl)], enumerable: true } }) as WorkerOptions;
    return withHandover(handover, () => make([file, withMeter, ...rest]));
  };
  try {
    const worker = execArgv === undefined ? startWithAllowed(flags, start) : start(flags);
    worker.once('exit', () => calls.end());
    return worker;
  } catch (error) {
    calls.end();
    // What is wrong with the caller's own flags is for Node to say, in its own words.
    if (isInvalidFlags(error)) return make(args);
    throw error;
  }
}

/** `--require`, also for a module of the new kind: code that is given as text starts without waiting for `--import`. */
function loading(registerUrl: string): string[] {
  return registerUrl.startsWith('file:') ? ['--require', fileURLToPath(registerUrl)] : ['--import', registerUrl];
}

/** Hands something over to a thread that is made meanwhile. */
function withHandover<T>(handover: Handover, make: () => T): T {
  const before = getEnvironmentData(HANDOVER);
  setEnvironmentData(HANDOVER, handover);
  try {
    return make();
  } finally {
    setEnvironmentData(HANDOVER, before);
  }
}

/**
 * Starts a thread with the flags of this one. Those that concern a whole process may not be given to a thread, and do nothing for it where
 * it inherits them: they are left out.
 */
function startWithAllowed(flags: readonly string[], start: (flags: readonly string[]) => Worker): Worker {
  try {
    return start(flags);
  } catch (error) {
    const fewer = isInvalidFlags(error) ? without(flags, error.message) : flags;
    if (fewer.length === flags.length) throw error;
    return startWithAllowed(fewer, start);
  }
}

function isInvalidFlags(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === INVALID_FLAGS;
}

/** The flags that an error does not name. One with a value apart from it goes with that value. */
function without(flags: readonly string[], message: string): string[] {
  const named = new Set(/execArgv flags: (.*)$/s.exec(message)?.[1]?.split(', '));
  return flags.filter((flag, at) => !named.has(flag) && !(at > 0 && named.has(flags[at - 1]!) && !flags[at - 1]!.includes('=') && !flag.startsWith('-')));
}
