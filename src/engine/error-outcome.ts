import { AssayError, describeError, type ErrorSource, type Outcome } from '../core/index.ts';
import { GoalError } from './goal-error.ts';

const roles = new WeakMap<Error, string>();

/** Remembers in which role's call an error arose, so that its source can be told. */
export function markRole(error: unknown, role: string): void {
  if (error instanceof Error && !roles.has(error)) roles.set(error, role);
}

/** Whose fault an error is: the target's, a judge's, or our own side's. */
export function errorSource(error: unknown): ErrorSource {
  const role = error instanceof Error ? roles.get(error) : undefined;
  if (role === undefined) return 'framework';
  return role === 'target' || role === 'judge' ? role : 'framework';
}

/** What kind of end an error thrown by a goal means. */
export type ErrorEnd =
  /** The goal ends as `error`. */
  | 'error'
  /** The work was cancelled from outside. */
  | 'cancelled'
  /** A budget or quota is spent: the run stops, the goal may be resumed. */
  | 'stopped'
  /** Nothing can be recorded any more. */
  | 'fatal';

export function errorEnd(error: unknown): ErrorEnd {
  if (!AssayError.isInstance(error)) return error instanceof Error && error.name === 'AbortError' ? 'cancelled' : 'error';
  switch (error.code) {
    case 'cancelled':
      return 'cancelled';
    case 'budget_exhausted':
    case 'quota_exhausted':
      return 'stopped';
    case 'store':
    case 'store_full':
    case 'store_readonly':
    case 'store_locked':
    case 'store_corrupt':
    case 'lease_held':
      return 'fatal';
    case 'usage':
    case 'config':
    case 'missing_key':
    case 'input':
    case 'not_found':
    case 'engagement_required':
    case 'rate_limited':
    case 'too_large':
    case 'circuit_open':
    case 'call_failed':
    case 'timeout':
    case 'network':
    case 'malformed':
    case 'internal':
      return 'error';
    default:
      return error.code satisfies never;
  }
}

/** The `error` outcome for something thrown. */
export function errorOutcome(error: unknown): Outcome & { readonly kind: 'error' } {
  if (GoalError.isInstance(error)) return { kind: 'error', source: error.source, code: error.outcomeCode, reason: describeError(error) };
  return {
    kind: 'error',
    source: errorSource(error),
    code: AssayError.isInstance(error) ? error.code : 'internal',
    reason: describeError(error),
  };
}
