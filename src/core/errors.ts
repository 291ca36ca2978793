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
      message: `the run's budget of ${amount(options.budget, options.limit)} is spent (${spentOf(options)})`,
      hint: `resume with a larger --max-${options.budget} to go on`,
    });
    this.budget = options.budget;
  }
}

function amount(budget: 'calls' | 'tokens' | 'usd', figure: number): string {
  // Sums of dollars are not exact in floating point.
  return budget === 'usd' ? `$${Number(figure.toPrecision(6))}` : `${figure} ${budget}`;
}

/** A call that does not fit ends the run before the limit is reached: that is said, or the figures would seem to be wrong. */
function spentOf({ budget, limit, used }: { readonly budget: 'calls' | 'tokens' | 'usd'; readonly limit: number; readonly used: number }): string {
  const figure = budget === 'usd' ? amount(budget, used) : String(used);
  return used < limit ? `${figure} used, and the next call could go over it` : `${figure} used`;
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
