import type { Run } from '../core/index.ts';

/** What a run is of, in one line: suites and targets, or whose calls it holds where it has no goals of its own. */
export function runSubject({ config, suites, targets }: Pick<Run, 'config' | 'suites' | 'targets'>): string {
  if (config['gateway'] === true) return 'calls through a gateway';
  if (holdsCallsAlone({ suites, targets })) return 'calls of a program';
  return targets.length === 0 ? suites.join(' ') : `${suites.join(' ')} → ${targets.join(' ')}`;
}

/** Whether a run has no goals and never will: it holds the calls of a gateway or of a metered program. */
export function holdsCallsAlone({ suites, targets }: Pick<Run, 'suites' | 'targets'>): boolean {
  return targets.length === 0 && suites.length === 1 && suites[0] === 'experiments';
}
