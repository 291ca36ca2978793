import type { OpSteps } from '../backend.ts';
import type { CallOp } from '../contract.ts';
import { StoreError } from '../store-error.ts';
import type { WriteQueue } from '../write-queue.ts';
import type { WriteSteps } from '../write-steps.ts';
import { beforeProcessEnds } from './before-process-ends.ts';
import { entriesOf, type CallEntry, type CallRow } from './call-entry.ts';
import type { CallLog, LogFile } from './call-log.ts';
import { logLine } from './log-line.ts';

/** What is kept in the log is entered in the tables this often, in ms. */
const ENTER_EVERY_MS = 50;
/** The same where the tables cannot be written, at last. */
const LONGEST_PAUSE_MS = 5_000;
/** So many rows are entered at once: more would hold the event loop for longer than a few milliseconds. */
const ENTER_AT = 512;
/** Beyond these the tables do not keep up: further ops wait for them as other writes do. */
const MOST_PENDING = 10_000;
/** Ops that go the ordinary way after the log could not be written. */
const AFTER_FAILURE = 256;
/** A log that is shorter is emptied when there is time. */
const WORTH_CLEARING_BYTES = 256 * 1024;

/** Ops on their way from the log to the tables. */
interface Batch {
  readonly rows: readonly Kept[];
  /** An earlier one failed: this one is to be done again behind it, so that no settlement goes before its call. */
  again: boolean;
}

/** Somebody who waits for some batches. */
interface Waiter {
  readonly batches: Set<Batch>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A row, and the file that its line is in, where it is the last one of its line. */
interface Kept {
  readonly row: CallRow;
  readonly lastOf: LogFile | undefined;
}

/**
 * Ops of calls that are kept in a redo log and entered in the tables a moment later, many in one commit. A call that was opened and
 * settled in between is entered once.
 */
export class SoonWrites {
  readonly #queue: WriteQueue;
  readonly #steps: WriteSteps;
  readonly #log: CallLog;
  #pending: Kept[] = [];
  readonly #batches = new Set<Batch>();
  #waiters: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  /** The last batch was refused for what one of its entries is: they are tried one by one. */
  #alone = false;
  #ordinary = 0;
  #forgetExit: (() => void) | undefined;

  constructor({ queue, steps, log }: { readonly queue: WriteQueue; readonly steps: WriteSteps; readonly log: CallLog }) {
    this.#queue = queue;
    this.#steps = steps;
    this.#log = log;
  }

  /** @returns whether the ops are kept; where not, they are to be written the ordinary way */
  take(ops: readonly CallOp[]): boolean {
    if (this.#pending.length >= MOST_PENDING || !ops.every(isSound)) return false;
    if (this.#ordinary > 0) {
      this.#ordinary--;
      return false;
    }
    const rows = ops.length === 1 ? this.#steps.rowsOf(ops[0]!) : ops.flatMap((op) => this.#steps.rowsOf(op));
    let file: LogFile;
    try {
      file = this.#log.append(logLine(rows));
    } catch {
      // A full disk, for one: the ordinary write tells.
      this.#ordinary = AFTER_FAILURE;
      return false;
    }
    for (const [at, row] of rows.entries()) this.#pending.push({ row, lastOf: at === rows.length - 1 ? file : undefined });
    if (this.#pending.length >= ENTER_AT && this.#batches.size === 0 && this.#failures === 0) this.submit();
    this.#arm();
    return true;
  }

  /** Hands what is pending to the queue: what is submitted there afterwards is committed after it. */
  submit(): void {
    if (this.#pending.length === 0) return;
    const rows = this.#pending;
    this.#pending = [];
    this.#log.turn();
    const batch: Batch = { rows, again: false };
    this.#batches.add(batch);
    const entries = entriesOf(rows.map(({ row }) => row));
    if (this.#alone) return this.#submitAlone(batch, entries);
    this.#queue.enqueue({
      make: () => entries.map((entry) => this.#steps.ofEntry(entry)),
      resolve: () => this.#committed(batch),
      reject: (error) => this.#failed(batch, error),
    });
  }

  /** Resolves once all that was taken so far is committed; rejects where that fails, which leaves it in the log to be tried again. */
  settled(): Promise<void> | undefined {
    if (this.#pending.length === 0 && this.#batches.size === 0) return undefined;
    this.submit();
    return new Promise((resolve, reject) => this.#waiters.push({ batches: new Set(this.#batches), resolve, reject }));
  }

  /** Empties the log of what is in the tables. */
  clear(): void {
    this.#log.clear();
  }

  /** Deletes the log, once all of it is in the tables; what is not stays, for whoever opens the store next. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#forgetExit?.();
    this.#forgetExit = undefined;
    this.#log.end();
  }

  /** What could not be committed yet. */
  get pending(): number {
    return this.#pending.length + this.#batches.size;
  }

  #submitAlone(batch: Batch, entries: readonly CallEntry[]): void {
    this.#alone = false;
    let left = entries.length;
    let failure: unknown;
    const done = (): void => {
      if (--left > 0) return;
      if (failure === undefined) this.#committed(batch);
      else this.#failed(batch, failure);
    };
    for (const entry of entries) {
      this.#queue.enqueue({
        make: (): OpSteps[] => [this.#steps.ofEntry(entry)],
        resolve: done,
        reject: (error) => {
          // It can never be entered, and must not keep the others out.
          if (isRefused(error)) process.emitWarning(`a call could not be entered: ${error.message}`, { type: 'AssayWarning' });
          else failure = error;
          done();
        },
      });
    }
  }

  #committed(batch: Batch): void {
    this.#batches.delete(batch);
    if (batch.again) return this.#putBack(batch);
    this.#failures = 0;
    for (const { lastOf } of batch.rows) if (lastOf !== undefined) lastOf.lines--;
    this.#log.clear(WORTH_CLEARING_BYTES);
    this.#waiters = this.#waiters.filter(({ batches, resolve }) => {
      batches.delete(batch);
      if (batches.size > 0) return true;
      resolve();
      return false;
    });
  }

  #failed(batch: Batch, error: unknown): void {
    this.#batches.delete(batch);
    this.#failures++;
    if (isRefused(error)) this.#alone = true;
    for (const later of this.#batches) later.again = true;
    this.#putBack(batch);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  #putBack({ rows }: Batch): void {
    this.#pending = [...rows, ...this.#pending];
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    const pause = Math.min(ENTER_EVERY_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#forgetExit ??= beforeProcessEnds(() => {
      // What cannot be entered now is safe in the log, and must not keep the process going.
      if (this.#failures === 0) this.submit();
    });
    // The program must not wait for what is safe already.
    this.#timer = setTimeout(() => this.#tick(), pause).unref();
  }

  #tick(): void {
    this.#timer = undefined;
    if (this.#pending.length > 0 && this.#batches.size === 0) this.submit();
    if (!this.#log.clear() || this.#pending.length > 0) return this.#arm();
    this.#forgetExit?.();
    this.#forgetExit = undefined;
  }
}

function isRefused(error: unknown): error is StoreError {
  return StoreError.isInstance(error) && error.code === 'store';
}

/** Whether the tables will take it: a figure that is none would be found out too late. */
function isSound(op: CallOp): boolean {
  if (op.op !== 'call.open') return true;
  const { retry, queuedAt, sentAt, waitedMs, reservedTokens } = op.intent;
  return Number.isFinite(retry + queuedAt + sentAt + waitedMs + reservedTokens);
}
