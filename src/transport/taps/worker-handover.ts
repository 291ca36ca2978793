import { BroadcastChannel, getEnvironmentData, isMainThread } from 'node:worker_threads';
import type { CallIntent, CallSettlement, Scope } from '../../core/index.ts';
import type { CallCounter, Fork } from '../../ledger/index.ts';

/** Under this key a thread finds what was handed over to it. Its user's `workerData` and `env` stay theirs. */
export const HANDOVER = 'assay.handover.1';

/** What a thread is started with. */
export interface Handover {
  /** Name of the channel on which it tells of its calls. */
  readonly channel: string;
  /** Flags in force there, but for those that load the meter. */
  readonly flags: readonly string[];
  /** What `process.execArgv` would be there without the meter. */
  readonly shown: readonly string[];
  /** What its meter needs to know. */
  readonly given: unknown;
}

/** What a thread tells of its calls, in order. */
export type WorkerReport =
  | { readonly is: 'forked'; readonly scope: Scope; readonly fork: Fork }
  | { readonly is: 'opened'; readonly intent: CallIntent; readonly forks: readonly Fork[] }
  | { readonly is: 'settled'; readonly id: string; readonly settlement: CallSettlement }
  | { readonly is: 'closed'; readonly id: string };

/** This thread as another one made it. */
export interface WorkerThread {
  /** What `exportScope` of the patch that made it returned. */
  readonly given: unknown;
  /** Tells the thread that made it of each call. To be counted with `countProcess`; keeps nothing alive. */
  readonly counter: CallCounter;
}

let thread: WorkerThread | null | undefined;

/** What was handed over to this thread; `undefined` in the main thread, and in one that was not made through the patch. */
export function workerThread(): WorkerThread | undefined {
  thread ??= received();
  return thread ?? undefined;
}

/** The flags that a thread made here gets where it is given none. */
export function inheritedFlags(): readonly string[] {
  return handover()?.flags ?? process.execArgv;
}

function handover(): Handover | undefined {
  return isMainThread ? undefined : (getEnvironmentData(HANDOVER) as Handover | undefined);
}

function received(): WorkerThread | null {
  const got = handover();
  if (got === undefined) return null;
  // The program in here sees the flags that its maker meant.
  process.execArgv.splice(0, Infinity, ...got.shown);
  return { given: got.given, counter: reportingCounter(got.channel) };
}

function reportingCounter(name: string): CallCounter {
  const channel = new BroadcastChannel(name);
  channel.unref();
  const tell = (report: WorkerReport): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- between threads there are no origins
    channel.postMessage(report);
  };
  return {
    forked: (scope, fork) => tell({ is: 'forked', scope, fork }),
    opened: (intent, forks) => tell({ is: 'opened', intent, forks }),
    add: (intent, settlement) => tell({ is: 'settled', id: intent.id, settlement }),
    closed: (intent) => tell({ is: 'closed', id: intent.id }),
  };
}
