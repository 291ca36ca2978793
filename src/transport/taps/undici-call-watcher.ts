import { failureCode, neverLeaves } from '../failure.ts';
import type { Breakage } from '../fate.ts';
import { UsageChunkFilter } from '../usage-chunk-filter.ts';
import type { EnteredCall } from './entered-call.ts';
import { saysTimeout } from './says-timeout.ts';
import { codingsOf } from './request-body.ts';
import { headersOf } from './undici-headers.ts';
import type { RequestWatcher } from './undici-request.ts';

const UNBROKEN = { breakage: undefined, failure: undefined, neverLeft: false } as const;

/** Tells the books what becomes of a physical request. */
export class UndiciCallWatcher implements RequestWatcher {
  readonly #call: EnteredCall;
  readonly #hidesUsage: boolean;
  readonly #beforeEnd: (() => void) | undefined;
  #filter: UsageChunkFilter | undefined;
  #hasHead = false;

  /**
   * @param hidesUsage the stream was made to tell its usage: the chunk that does is kept from the caller
   * @param beforeEnd called before the call is settled
   */
  constructor(call: EnteredCall, { hidesUsage, beforeEnd }: { readonly hidesUsage: boolean; readonly beforeEnd?: () => void }) {
    this.#call = call;
    this.#hidesUsage = hidesUsage;
    this.#beforeEnd = beforeEnd;
  }

  start(): void {
    this.#call.left();
  }

  head(httpStatus: number, raw: unknown): void {
    const headers = headersOf(raw);
    this.#hasHead = true;
    this.#call.head(httpStatus, headers);
    const events = httpStatus < 300 && (headers['content-type'] ?? '').toLowerCase().includes('text/event-stream');
    if (this.#hidesUsage && events && codingsOf(headers['content-encoding']).length === 0) this.#filter = new UsageChunkFilter();
  }

  data(chunk: Uint8Array): Uint8Array {
    this.#call.push(chunk);
    return this.#filter === undefined ? chunk : asBuffer(this.#filter.push(chunk));
  }

  end(): Uint8Array | undefined {
    this.#beforeEnd?.();
    const rest = this.#filter?.end();
    this.#call.end(UNBROKEN);
    return rest === undefined ? undefined : asBuffer(rest);
  }

  error(error: unknown, { byCaller, started }: { readonly byCaller: boolean; readonly started: boolean }): void {
    this.#beforeEnd?.();
    const neverLeft = !started || (!this.#hasHead && neverLeaves(failureCode(error)));
    this.#call.end({ breakage: breakageOf(error, byCaller), failure: error, neverLeft });
  }
}

const TIMEOUTS: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
const ABORTS: ReadonlySet<string> = new Set(['UND_ERR_ABORTED', 'ABORT_ERR']);

function breakageOf(error: unknown, byCaller: boolean): Breakage {
  const code = failureCode(error);
  if (TIMEOUTS.has(code) || (byCaller && saysTimeout(error))) return 'timeout';
  return byCaller || ABORTS.has(code) || (error instanceof Error && error.name === 'AbortError') ? 'aborted' : 'connection';
}

/** Handlers are used to buffers. */
function asBuffer(bytes: Uint8Array): Uint8Array {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
