import type { BrokenOff } from '../flight.ts';
import type { MeteredCall } from '../metered-call.ts';
import { UnreadableBodyError } from '../decode-body.ts';
import { mayBeRetried } from '../retried-calls.ts';
import { codingsOf, decodedNow, LONGEST_BODY_BYTES } from './request-body.ts';

/** The calls that a tap has entered and not yet settled. */
export class EnteredCalls {
  readonly #calls = new Set<EnteredCall>();
  readonly #settling = new Set<Promise<unknown>>();
  readonly #onFailure: (error: unknown) => void;

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  get size(): number {
    return this.#calls.size;
  }

  add(call: EnteredCall): void {
    this.#calls.add(call);
  }

  delete(call: EnteredCall): void {
    this.#calls.delete(call);
  }

  /** Waits for what a call still has to do; its failure is told, never thrown. */
  track(work: Promise<unknown>): void {
    const tracked = work.catch(this.#onFailure).finally(() => this.#settling.delete(tracked));
    this.#settling.add(tracked);
  }

  /** Resolves once every call is settled that was entered so far or is while it waits. */
  async settled(): Promise<void> {
    while (this.#calls.size > 0 || this.#settling.size > 0) {
      const ends = Array.from(this.#calls, (call) => call.ended);
      await Promise.all([...ends, ...this.#settling]);
    }
  }

  abandon(): void {
    for (const call of this.#calls) call.end({ breakage: 'aborted', failure: new Error('the process ended'), neverLeft: false });
  }
}

/**
 * One physical call that a tap sees: what comes back, in whatever coding, goes to its row's reader, and it is settled once. The row may be open
 * before the call leaves (it was held) or be opened while it is on its way; what happens until then waits for it.
 */
export class EnteredCall {
  readonly #calls: EnteredCalls;
  #metered: MeteredCall | undefined;
  /** What happened before the row was open. */
  #early: ((metered: MeteredCall) => void)[] | undefined;
  #encoding: string | undefined;
  #compressed: Uint8Array[] | undefined;
  #compressedSize = 0;
  #reads = true;
  #unreadable: unknown;
  #httpStatus: number | null = null;
  #over = false;
  /** It ended in a way that is worth another try. */
  #retryable = false;
  #onRetryable: (() => void) | undefined;
  #resolveEnded: (() => void) | undefined;
  #ended: Promise<void> | undefined;

  constructor(calls: EnteredCalls, metered?: MeteredCall) {
    this.#calls = calls;
    this.#metered = metered;
    if (metered === undefined) this.#early = [];
    calls.add(this);
  }

  /** Resolves when the call is over, by whichever way. */
  get ended(): Promise<void> {
    this.#ended ??= this.#over ? Promise.resolve() : new Promise((resolve) => (this.#resolveEnded = resolve));
    return this.#ended;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Takes the row once it is open. Where it could not be opened, or it turns out to be no call of a model, it is forgotten. */
  opens(opening: Promise<MeteredCall | undefined>): void {
    this.#calls.track(
      opening.then(
        (metered) => {
          if (metered === undefined) return this.dismiss();
          this.#metered = metered;
          const early = this.#early ?? [];
          this.#early = undefined;
          for (const happened of early) happened(metered);
        },
        (error: unknown) => {
          this.dismiss();
          throw error;
        },
      ),
    );
  }

  /** Forgets it. */
  dismiss(): void {
    this.#early = undefined;
    this.#finish();
  }

  /** `failed` is called when it ends in a way that is worth another try, or at once where it has ended so already. */
  whenRetryable(failed: () => void): void {
    if (this.#retryable) failed();
    else this.#onRetryable = failed;
  }

  left(): void {
    this.#then((metered) => metered.left());
  }

  head(httpStatus: number, headers: Readonly<Record<string, string>>): void {
    this.#httpStatus = httpStatus;
    if (codingsOf(headers['content-encoding']).length > 0) {
      this.#encoding = headers['content-encoding'];
      this.#compressed = [];
    }
    this.#then((metered) => metered.reader.head(httpStatus, headers));
  }

  push(chunk: Uint8Array): void {
    if (this.#over || !this.#reads) return;
    const compressed = this.#compressed;
    if (compressed === undefined) return this.#then((metered) => this.#read(metered, chunk));
    this.#compressedSize += chunk.length;
    if (this.#compressedSize > LONGEST_BODY_BYTES) {
      this.#compressed = [];
      this.#reads = false;
      this.#unreadable = new UnreadableBodyError(`the answer is larger than ${LONGEST_BODY_BYTES} bytes`);
      return;
    }
    // What it says is read at the end; that it began to be said is known now.
    this.#then((metered) => metered.reader.began());
    compressed.push(chunk);
  }

  /** Settles it; what comes later is ignored. */
  end(broken: BrokenOff): void {
    if (this.#over) return;
    this.#retryable = mayBeRetried(this.#httpStatus, broken.breakage);
    if (this.#retryable) this.#onRetryable?.();
    const metered = this.#metered;
    const early = this.#early;
    if (metered === undefined && early === undefined) return this.#finish();
    this.#finish();
    if (metered === undefined) early!.push((opened) => this.#settle(opened, broken));
    else this.#settle(metered, broken);
  }

  #finish(): void {
    this.#over = true;
    this.#calls.delete(this);
    this.#resolveEnded?.();
  }

  #settle(metered: MeteredCall, broken: BrokenOff): void {
    this.#readCompressed(metered);
    const settlement =
      this.#unreadable === undefined || broken.breakage !== undefined ? broken : { breakage: 'unreadable' as const, failure: this.#unreadable, neverLeft: false };
    this.#calls.track(metered.settle(settlement).finally(() => metered.release()));
  }

  #readCompressed(metered: MeteredCall): void {
    if (this.#compressed === undefined || this.#compressed.length === 0) return;
    try {
      this.#read(metered, decodedNow(Buffer.concat(this.#compressed), this.#encoding ?? ''));
    } catch (error) {
      this.#unreadable = error;
    }
    this.#compressed = undefined;
  }

  #read(metered: MeteredCall, chunk: Uint8Array): void {
    if (!this.#reads) return;
    try {
      this.#reads = metered.reader.push(chunk);
    } catch (error) {
      // The caller's answer goes on all the same.
      this.#reads = false;
      this.#unreadable = error;
    }
  }

  #then(happened: (metered: MeteredCall) => void): void {
    if (this.#metered !== undefined) happened(this.#metered);
    else this.#early?.push(happened);
  }
}
