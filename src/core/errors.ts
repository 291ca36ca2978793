const marker = Symbol.for('assay.error');

/** Codes of every error Assay raises on purpose. A caller may switch on them. */
export type ErrorCode =
  | 'usage'
  | 'config'
  | 'missing_key'
  | 'input'
  | 'not_found'
  | 'engagement_required'
  | 'store'
  | 'store_full'
  | 'store_readonly'
  | 'store_locked'
  | 'store_corrupt'
  | 'lease_held'
  | 'cancelled'
  | 'budget_exhausted'
  | 'quota_exhausted'
  | 'rate_limited'
  | 'too_large'
  | 'circuit_open'
  | 'call_failed'
  | 'timeout'
  | 'network'
  | 'malformed'
  | 'internal';

export interface AssayErrorOptions {
  readonly code: ErrorCode;
  /** What happened. */
  readonly message: string;
  /** What to do about it, in the imperative. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** Base of Assay's own errors: a code, what happened, and what to do. */
export class AssayError extends Error {
  readonly [marker] = true;
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(options: AssayErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.hint = options.hint;
  }

  /** Recognises Assay's errors across copies of the package. */
  static isInstance(value: unknown): value is AssayError {
    return value instanceof Error && marker in value;
  }
}

/** The work was cancelled by its caller or by a signal. */
export class CancelledError extends AssayError {
  constructor(options: { readonly message?: string; readonly cause?: unknown } = {}) {
    super({ code: 'cancelled', message: options.message ?? 'cancelled', cause: options.cause });
  }
}

/** Something the user typed or wrote in a file cannot be used. The message names the file, line or flag. */
export class UsageError extends AssayError {
  constructor(options: { readonly message: string; readonly hint?: string; readonly cause?: unknown; readonly code?: 'usage' | 'config' | 'input' | 'missing_key' | 'not_found' | 'engagement_required' }) {
    super({ code: options.code ?? 'usage', message: options.message, hint: options.hint, cause: options.cause });
  }
}

/** A run's budget would be overrun by the next call. */
export class BudgetExhaustedError extends AssayError {
  readonly budget: 'calls' | 'tokens' | 'usd';

  constructor(options: { readonly budget: 'calls' | 'tokens' | 'usd'; readonly limit: number; readonly used: number }) {
    super({
      code: 'budget_exhausted',
      message: `the run's budget of ${options.limit} ${options.budget} is spent (${options.used} used)`,
      hint: `resume with a larger --max-${options.budget} to go on`,
    });
    this.budget = options.budget;
  }
}

/** A deployment's long quota is used up and its rule is to stop. */
export class QuotaExhaustedError extends AssayError {
  readonly deployment: string;

  constructor(options: { readonly deployment: string; readonly tokens: number; readonly period: string; readonly resetsAt: number }) {
    super({
      code: 'quota_exhausted',
      message: `the quota of ${options.tokens} tokens a ${options.period} on ${options.deployment} is used up`,
      hint: `it resets at ${new Date(options.resetsAt).toISOString()}; resume then, or set the quota's onExhausted to wait`,
    });
    this.deployment = options.deployment;
  }
}

/** One request is larger than the deployment's limit ever admits. */
export class RequestTooLargeError extends AssayError {
  constructor(options: { readonly deployment: string; readonly tokens: number; readonly limit: number; readonly dimension: string }) {
    super({
      code: 'too_large',
      message: `a request of about ${options.tokens} tokens can never pass the ${options.dimension} limit of ${options.limit} on ${options.deployment}`,
      hint: 'lower max output tokens or the prompt size, or raise the limit',
    });
  }
}

/** A short, safe description of anything thrown. */
export function describeError(error: unknown): string {
  if (error instanceof Error) {
    const cause = error.cause instanceof Error && !error.message.includes(error.cause.message) ? ` (${error.cause.message})` : '';
    return `${error.message}${cause}`;
  }
  return String(error);
}
