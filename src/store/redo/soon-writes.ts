import type { OpSteps } from '../backend.ts';
import type { CallOp } from '../contract.ts';
import { StoreError } from '../store-error.ts';
import type { WriteQueue } from '../write-queue.ts';
import type { WriteSteps } from '../write-steps.ts';
import { beforeProcessEnds, lastInProcess } from './process-end.ts';
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
  /** Not in the log yet. */
  #unwritten: CallRow[] = [];
  #written: PromiseWithResolvers<void> | undefined;
  #pending: Kept[] = [];
  readonly #batches = new Set<Batch>();
  #waiters: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  /** The last batch was refused for what one of its entries is: they are tried one by one. */
  #alone = false;
  #ordinary = 0;
  #forgetExit: (() => void) | undefined;
  #forgetLast: (() => void) | undefined;
  /** No further turn of the loop will come. */
  #exits = false;

  constructor({ queue, steps, log }: { readonly queue: WriteQueue; readonly steps: WriteSteps; readonly log: CallLog }) {
    this.#queue = queue;
    this.#steps = steps;
    this.#log = log;
  }

  /**
   * Keeps ops in the log: calls that open at once, since they wait to leave; settlements with the next call that opens, or at the end of the
   * turn. Both are one line, and one system call, then.
   *
   * @returns whether the ops are kept; where not, they are to be written the ordinary way
   */
  take(ops: readonly CallOp[]): boolean | Promise<void> {
    if (this.#pending.length >= MOST_PENDING || !ops.every(isSound)) return false;
    if (this.#ordinary > 0) {
      this.#ordinary--;
      return false;
    }
    const rows = ops.length === 1 ? this.#steps.rowsOf(ops[0]!) : ops.flatMap((op) => this.#steps.rowsOf(op));
    this.#forgetLast ??= lastInProcess(() => {
      this.#exits = true;
      this.#append([]);
    });
    if (!this.#exits && rows.every(({ is }) => is === 'settle')) return this.#keepWithNext(rows);
    return this.#append(rows);
  }

  #keepWithNext(rows: readonly CallRow[]): Promise<void> {
    for (const row of rows) this.#unwritten.push(row);
    if (this.#written === undefined) {
      this.#written = Promise.withResolvers();
      setImmediate(() => this.#append([]));
    }
    return this.#written.promise;
  }

  /** Appends what waits to be appended, and more, as one line. Returns whether `more` is kept. */
  #append(more: readonly CallRow[]): boolean {
    const unwritten = this.#unwritten;
    const rows = unwritten.length === 0 ? more : [...unwritten, ...more];
    if (rows.length === 0) return true;
    const written = this.#written;
    this.#unwritten = [];
    this.#written = undefined;
    let file: LogFile | undefined;
    try {
      file = this.#log.append(logLine(rows));
    } catch {
      // A full disk, for one: the ordinary write tells.
      this.#ordinary = AFTER_FAILURE;
    }
    const kept = file === undefined ? unwritten : rows;
    for (const [at, row] of kept.entries()) this.#pending.push({ row, lastOf: at === kept.length - 1 ? file : undefined });
    if (file !== undefined) written?.resolve();
    else if (written !== undefined) this.settled()!.then(written.resolve, written.reject);
    if (this.#pending.length >= ENTER_AT && this.#batches.size === 0 && this.#failures === 0) this.submit();
    this.#arm();
    return file !== undefined;
  }

  /** Hands what is pending to the queue: what is submitted there afterwards is committed after it. */
  submit(): void {
    if (this.#unwritten.length > 0) this.#append([]);
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
    if (this.#unwritten.length + this.#pending.length + this.#batches.size === 0) return undefined;
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
    this.#forgetLast?.();
    this.#forgetLast = undefined;
    this.#log.end();
  }

  /** What could not be committed yet. */
  get pending(): number {
    return this.#unwritten.length + this.#pending.length + this.#batches.size;
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
