import { describe, expect, it } from 'vitest';
import { errorEnd, errorOutcome } from './error-outcome.ts';
import { GoalError } from './goal-error.ts';

describe('an error that a suite names itself', () => {
  it('ends its goal as error with the source and code that it gives', () => {
    const error = new GoalError({ source: 'target', code: 'exit_3', message: 'the command ended with exit code 3' });
    expect(errorEnd(error)).toBe('error');
    expect(errorOutcome(error)).toEqual({ kind: 'error', source: 'target', code: 'exit_3', reason: 'the command ended with exit code 3' });
  });
});
