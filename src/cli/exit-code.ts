import type { ErrorCode } from '../core/index.ts';

/** What the process tells its caller. */
export const EXIT = {
  done: 0,
  /** A `--fail-on` gate failed. */
  gate: 1,
  /** Bad usage or configuration: nothing was started. */
  usage: 2,
  /** Ended incomplete: budget, interrupted, cancelled, failed. */
  incomplete: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const USAGE_CODES: ReadonlySet<ErrorCode> = new Set(['usage', 'config', 'missing_key', 'input', 'not_found', 'engagement_required']);

export function exitCodeOfError(code: ErrorCode): ExitCode {
  return USAGE_CODES.has(code) ? EXIT.usage : EXIT.incomplete;
}
