import { AssayError, BudgetExhaustedError, CancelledError, describeError, QuotaExhaustedError } from '../core/index.ts';

/** A request that the gateway answers itself, with an error. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(options: { readonly status: number; readonly code: string; readonly message: string; readonly hint?: string; readonly headers?: Readonly<Record<string, string>>; readonly cause?: unknown }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Refusal';
    this.status = options.status;
    this.code = options.code;
    this.hint = options.hint;
    this.headers = options.headers ?? {};
  }

  /** What happened and what to do. */
  get text(): string {
    return this.hint === undefined ? this.message : `${this.message}; ${this.hint}`;
  }
}

/** SDKs made with Stainless (OpenAI, Anthropic) do as it says, whatever the status. */
const DO_NOT_RETRY = { 'x-should-retry': 'false' };

/** Errors that say what is wrong with the request or the setup. */
const BAD_REQUEST: ReadonlySet<string> = new Set(['usage', 'config', 'input', 'missing_key', 'not_found']);

/**
 * What kept a call from leaving, as an answer.
 *
 * @param retryAfterMs when to try again after a wait that was too long
 */
export function refusalOf(error: unknown, retryAfterMs: () => number = () => 0): Refusal {
  if (error instanceof Refusal) return error;
  if (!AssayError.isInstance(error)) return new Refusal({ status: 500, code: 'internal', message: `the gateway failed: ${describeError(error)}`, cause: error });
  const { code, message } = error;
  const said = { code, message, cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  if (error instanceof BudgetExhaustedError) return new Refusal({ ...said, status: 429, headers: DO_NOT_RETRY });
  if (error instanceof QuotaExhaustedError || code === 'too_large') return new Refusal({ ...said, status: 429, headers: DO_NOT_RETRY });
  if (code === 'rate_limited') {
    const seconds = String(Math.max(1, Math.ceil(retryAfterMs() / 1_000)));
    return new Refusal({ status: 429, code, message, cause: error, hint: `try again in ${seconds} s, with fewer calls at once, or raise the limits if the provider allows more`, headers: { 'retry-after': seconds } });
  }
  if (code === 'store' || code.startsWith('store_')) return new Refusal({ ...said, status: 503 });
  if (error instanceof CancelledError) return new Refusal({ status: 503, code: 'closing', message: 'the gateway is closing', cause: error, headers: { connection: 'close' } });
  return new Refusal({ ...said, status: BAD_REQUEST.has(code) ? 400 : 500, headers: DO_NOT_RETRY });
}
