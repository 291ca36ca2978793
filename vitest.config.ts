import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
    reporters: ['default', './scripts/test-counts.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // A key in the developer's shell must not decide what a test sees, nor a colour setting what it reads.
    env: { NO_COLOR: '', FORCE_COLOR: '' },
  },
});
