import type { Backend, OpSteps, WriteResult } from './backend.ts';
import { StoreError } from './store-error.ts';

/** One write that waits for its commit. */
interface Pending {
  readonly steps: readonly OpSteps[];
  readonly statements: number;
  readonly weight: number;
  readonly resolve: (changed: number) => void;
  readonly reject: (error: unknown) => void;
}

/** One write that waits for room in the queue; its statements are not made yet. */
interface Waiting {
  readonly make: () => readonly OpSteps[];
  readonly resolve: (changed: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Bounds of the queue. Weight is characters of text. */
export interface QueueBounds {
  readonly pendingWrites: number;
  readonly pendingWeight: number;
  /** A commit takes writes until one of these is reached, so that it holds the event loop for milliseconds only. */
  readonly commitStatements: number;
  readonly commitWeight: number;
}

export const QUEUE_BOUNDS: QueueBounds = {
  pendingWrites: 20_000,
  pendingWeight: 32 * 1024 * 1024,
  commitStatements: 1_000,
  commitWeight: 4 * 1024 * 1024,
};

/**
 * Group commit: writes that are asked for while others are under way share the next commit, first in, first out.
 * What does not fit waits unencoded, so a caller who awaits its writes is held back.
 */
export class WriteQueue {
  readonly #backend: Backend;
  readonly #bounds: QueueBounds;
  #pending: Pending[] = [];
  #pendingWeight = 0;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(backend: Backend, bounds: QueueBounds = QUEUE_BOUNDS) {
    this.#backend = backend;
    this.#bounds = bounds;
  }

  /**
   * Queues one atomic write.
   *
   * @param make gives its statements; called once there is room
   * @returns rows changed by its first statement, once committed
   */
  submit(make: () => readonly OpSteps[]): Promise<number> {
    return new Promise((resolve, reject) => this.enqueue({ make, resolve, reject }));
  }

  /** The same, told in the turn in which it is committed or refused. */
  enqueue(write: Waiting): void {
    if (this.#closed) return write.reject(new StoreError({ code: 'store', message: 'the store is closed: nothing more can be written' }));
    if (this.#waiting.length > 0 || this.#full()) this.#waiting.push(write);
    else this.#admit(write);
    // A write that could not be encoded leaves nothing to do.
    if (this.#pending.length > 0) this.#running ??= this.#run();
  }

  /** Waits for all that was submitted. */
  async drained(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /**
   * Commits all that was submitted before it returns, what waits for room included. The promises of these writes settle as ever.
   *
   * @returns false where the database cannot do that, or could not be written: then what is left waits as before
   */
  flushNow(): boolean {
    if (this.#running === undefined) return true;
    if (this.#backend.commitNow === undefined) return false;
    try {
      do {
        this.#admitWaiting();
        const batch = this.#next();
        const results = this.#backend.commitNow(batch.map((pending) => pending.steps));
        this.#pending.splice(0, batch.length);
        this.#settle(batch, results);
      } while (this.#pending.length > 0 || this.#waiting.length > 0);
      return true;
    } catch {
      return false;
    }
  }

  /** Refuses further writes and waits for those submitted. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.drained();
  }

  #full(): boolean {
    return this.#pending.length >= this.#bounds.pendingWrites || this.#pendingWeight >= this.#bounds.pendingWeight;
  }

  #admit({ make, resolve, reject }: Waiting): void {
    let steps: readonly OpSteps[];
    try {
      steps = make();
    } catch (error) {
      return reject(error);
    }
    const { statements, weight } = measure(steps);
    this.#pendingWeight += weight;
    this.#pending.push({ steps, statements, weight, resolve, reject });
  }

  async #run(): Promise<void> {
    try {
      while (this.#pending.length > 0 || this.#waiting.length > 0) {
        // Everything that is asked for before the loop turns goes into one commit.
        await new Promise((resolve) => setImmediate(resolve));
        await this.#commit(this.#pending.splice(0, this.#next().length));
        this.#admitWaiting();
      }
    } finally {
      this.#running = undefined;
    }
  }

  #admitWaiting(): void {
    let admitted = 0;
    while (admitted < this.#waiting.length && !this.#full()) this.#admit(this.#waiting[admitted++]!);
    this.#waiting.splice(0, admitted);
  }

  /** What the next commit takes. */
  #next(): Pending[] {
    let count = 0;
    let statements = 0;
    let weight = 0;
    for (const next of this.#pending) {
      if (count > 0 && (statements + next.statements > this.#bounds.commitStatements || weight + next.weight > this.#bounds.commitWeight)) break;
      count++;
      statements += next.statements;
      weight += next.weight;
    }
    return this.#pending.slice(0, count);
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    if (batch.length === 0) return;
    let results: readonly WriteResult[];
    try {
      results = await this.#backend.commit(batch.map((pending) => pending.steps));
    } catch (error) {
      results = batch.map(() => ({ error: error as StoreError }));
    }
    this.#settle(batch, results);
  }

  #settle(batch: readonly Pending[], results: readonly WriteResult[]): void {
    for (const [index, pending] of batch.entries()) {
      this.#pendingWeight -= pending.weight;
      const result = results[index]!;
      if ('error' in result) pending.reject(result.error);
      else pending.resolve(result.changed);
    }
  }
}

function measure(steps: readonly OpSteps[]): { readonly statements: number; readonly weight: number } {
  let statements = 0;
  let weight = 0;
  for (const op of steps) {
    statements += op.length;
    for (const step of op) for (const value of step.values) weight += typeof value === 'string' ? value.length : 8;
  }
  return { statements, weight };
}
