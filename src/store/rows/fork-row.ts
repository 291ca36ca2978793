import type { ForkRecord } from '../contract.ts';
import type { Redactor } from '../redaction.ts';
import type { ForksTable } from '../schema.ts';

/** What stands for an absent part of a fork's key. */
export const NO_NAME = '';
export const NO_GOAL = -1;

export const FORK_COLUMNS = ['run_id', 'trial', 'goal_index', 'branch', 'trunk', 'id'] as const satisfies readonly (keyof ForksTable)[];

const SEPARATOR = '/';

/** The branch that a branch forked from; `''` for the trunk of all. */
export function trunkOf(branch: string): string {
  return branch.slice(0, Math.max(0, branch.lastIndexOf(SEPARATOR)));
}

/**
 * The fork and those of the branches around it, outermost first: whoever enters a branch may never have made a call in, or known of,
 * the one around it, which forked no later.
 */
export function encodeFork(redact: Redactor, fork: ForkRecord): ForksTable[] {
  const branch = redact.content(fork.branch);
  const around = trunkOf(branch);
  const rows = around === '' ? [] : encodeFork(redact, { ...fork, branch: around });
  const place = { run_id: fork.runId ?? NO_NAME, goal_index: fork.goalIndex ?? NO_GOAL, trial: redact.content(fork.trial ?? NO_NAME) };
  return [...rows, { ...place, trunk: around, branch, id: fork.id }];
}
