import { describe, expect, it } from 'vitest';
import { holdsCallsAlone, runSubject } from './run-subject.ts';

describe('what a run is of', () => {
  it.each([
    ['suites and targets', { suites: ['probes.encoding'], targets: ['sim:weak', 'sim:echo'], config: {} }, 'probes.encoding → sim:weak sim:echo', false],
    ['an experiment without a target', { suites: ['experiments:./mine.ts'], targets: [], config: {} }, 'experiments:./mine.ts', false],
    ['a metered program', { suites: ['experiments'], targets: [], config: {} }, 'calls of a program', true],
    ['a gateway', { suites: ['experiments'], targets: [], config: { gateway: true } }, 'calls through a gateway', true],
  ])('%s', (_what, run, text, alone) => {
    expect(runSubject(run)).toBe(text);
    expect(holdsCallsAlone(run)).toBe(alone);
  });
});
