import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** The counts of a test run. What broke outside a test (a file that does not load, an unhandled error) is a failure too. */
export function countTests(modules: readonly CountedModule[], unhandledErrors: number): { readonly passed: number; readonly failed: number; readonly skipped: number } {
  const counts = { passed: 0, failed: unhandledErrors, skipped: 0 };
  for (const module of modules) {
    let failedTests = 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') counts.passed++;
      else if (state === 'skipped') counts.skipped++;
      // A test that never ended has not passed.
      else failedTests++;
    }
    // A module that failed with no test failing broke while loading or in a hook.
    counts.failed += failedTests > 0 ? failedTests : module.ok() ? 0 : 1;
  }
  return counts;
}

/** The part of vitest's module that is counted. */
export interface CountedModule {
  ok(): boolean;
  readonly children: { allTests(): Iterable<{ result(): { readonly state: string } }> };
}

/** Writes `N passed, N failed` to the file named in ASSAY_TEST_COUNTS, for `.ci/run` to close with. */
export default class TestCounts implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const file = process.env['ASSAY_TEST_COUNTS'];
    if (file === undefined) return;
    const { passed, failed } = countTests(modules, unhandledErrors.length);
    writeFileSync(file, `${passed} passed, ${failed} failed\n`);
  }
}
