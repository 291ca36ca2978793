import { AssayError, type ErrorSource } from '../core/index.ts';

/** A failure that a suite can name better than the engine could guess: it ends its goal as `error` with this source and code. */
export class GoalError extends AssayError {
  readonly source: ErrorSource;
  /** Code of the outcome, e.g. `exit_3`. */
  readonly outcomeCode: string;

  constructor(options: { readonly source: ErrorSource; readonly code: string; readonly message: string; readonly hint?: string; readonly cause?: unknown }) {
    const { source, code, message, hint, cause } = options;
    super({ code: 'call_failed', message, ...(hint === undefined ? {} : { hint }), cause });
    this.source = source;
    this.outcomeCode = code;
  }

  static override isInstance(value: unknown): value is GoalError {
    return AssayError.isInstance(value) && 'outcomeCode' in value;
  }
}
