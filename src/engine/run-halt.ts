import { describeError, type RunStatus } from '../core/index.ts';

/** Why a run ends before its plan is done. */
export interface Halt {
  readonly status: Extract<RunStatus, 'cancelled' | 'stopped' | 'failed' | 'interrupted'>;
  readonly reason: string;
  /** What to raise once everything in flight has been recorded. */
  readonly failure?: Error;
}

/** Decides once whether and why a run stops, and tells those who wait. The first reason stands; a failure replaces a milder one. */
export class HaltSwitch {
  #halt: Halt | undefined;
  readonly #abort = new AbortController();
  readonly #listeners: (() => void)[] = [];

  /** Calls back at every halt, and at once if there was one. */
  onHalt(listener: () => void): void {
    this.#listeners.push(listener);
    if (this.#halt !== undefined) listener();
  }

  get halt(): Halt | undefined {
    return this.#halt;
  }

  /** Aborts work in flight. Stopping alone does not. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** No new goal starts; what is in flight finishes. */
  stop(halt: Halt): void {
    if (this.#halt === undefined || (this.#halt.failure === undefined && halt.failure !== undefined)) this.#halt = halt;
    for (const listener of this.#listeners) listener();
  }

  /** No new goal starts, and what is in flight is aborted. */
  abort(halt: Halt): void {
    this.stop(halt);
    this.#abort.abort(new Error(halt.reason));
  }

  /** Nothing can be recorded any more: everything ends, and the error is raised. */
  fail(error: unknown): void {
    this.abort({ status: 'interrupted', reason: describeError(error), failure: error instanceof Error ? error : new Error(String(error)) });
  }
}
