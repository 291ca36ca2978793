import { describe, expect, it } from 'vitest';
import { countTests, type CountedModule } from './test-counts.ts';

function module(ok: boolean, ...states: readonly string[]): CountedModule {
  return { ok: () => ok, children: { allTests: () => states.map((state) => ({ result: () => ({ state }) })) } };
}

describe('the count of a test run', () => {
  it('sums tests over modules', () => {
    expect(countTests([module(true, 'passed', 'passed', 'skipped'), module(false, 'passed', 'failed')], 0)).toEqual({ passed: 3, failed: 1, skipped: 1 });
  });

  it('counts a module that did not load as one failure', () => {
    expect(countTests([module(false), module(true, 'passed')], 0)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it('counts a hook that failed after its tests passed', () => {
    expect(countTests([module(false, 'passed')], 0)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it('counts unhandled errors and tests that never ended as failures', () => {
    expect(countTests([module(true, 'passed', 'pending')], 2)).toEqual({ passed: 1, failed: 3, skipped: 0 });
  });
});
