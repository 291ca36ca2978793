import { closeSync, openSync, writeSync } from 'node:fs';
import { UsageError } from '../core/index.ts';
import type { ServedRequest } from './served.ts';

/** Remembers the last requests, and appends each to a file if one is named. */
export class RequestLog {
  readonly #size: number;
  #fd: number | undefined;
  #last: ServedRequest[] = [];

  /** @throws UsageError where the file cannot be opened for writing */
  constructor(options: { readonly path: string | undefined; readonly size: number }) {
    this.#size = options.size;
    if (options.path === undefined) return;
    try {
      this.#fd = openSync(options.path, 'a', 0o600);
    } catch (error) {
      throw new UsageError({ code: 'config', message: `simulator option log: cannot write to ${options.path}`, hint: 'name a file in a folder that exists and may be written to', cause: error });
    }
  }

  /** The line is with the operating system when this returns, so it outlives a kill of either side. */
  append(served: ServedRequest): void {
    this.#last.push(served);
    // Trimmed in batches: dropping the first of a long array on every request would cost more than the rest.
    if (this.#last.length > this.#size * 2 + 64) this.#last = this.last(this.#size);
    if (this.#fd !== undefined) writeSync(this.#fd, `${JSON.stringify(served)}\n`);
  }

  /** At most `count` of the last requests, oldest first. */
  last(count: number): ServedRequest[] {
    const kept = Math.min(count, this.#size);
    return kept === 0 ? [] : this.#last.slice(-kept);
  }

  forget(): void {
    this.#last = [];
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
