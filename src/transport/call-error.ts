import { AssayError, type CallStatus, type ErrorCode, type Output } from '../core/index.ts';

export interface CallErrorOptions {
  readonly code: Extract<ErrorCode, 'rate_limited' | 'call_failed' | 'timeout' | 'network' | 'malformed' | 'circuit_open' | 'cancelled'>;
  readonly message: string;
  readonly hint?: string;
  readonly status: CallStatus | 'not_sent';
  readonly httpStatus?: number | null;
  readonly deployment: string;
  /** Tries made, the first included. */
  readonly tries: number;
  readonly cause?: unknown;
  /** Generations that did come back where several were asked for. */
  readonly partial?: readonly Output[];
}

/** A logical call that did not get an answer: every try is in the ledger, and no try is left. */
export class CallError extends AssayError {
  readonly status: CallStatus | 'not_sent';
  readonly httpStatus: number | null;
  readonly deployment: string;
  readonly tries: number;
  readonly partial: readonly Output[];

  constructor(options: CallErrorOptions) {
    super({ code: options.code, message: options.message, hint: options.hint, cause: options.cause });
    this.status = options.status;
    this.httpStatus = options.httpStatus ?? null;
    this.deployment = options.deployment;
    this.tries = options.tries;
    this.partial = options.partial ?? [];
  }

  /** The same error, with the generations that did come back. */
  withPartial(partial: readonly Output[]): CallError {
    const { message, hint, status, httpStatus, deployment, tries } = this;
    return new CallError({ code: this.code as CallErrorOptions['code'], message, ...(hint === undefined ? {} : { hint }), status, httpStatus, deployment, tries, cause: this.cause, partial });
  }

  static override isInstance(value: unknown): value is CallError {
    return AssayError.isInstance(value) && 'tries' in value && 'deployment' in value;
  }
}
