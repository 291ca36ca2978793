import type { Outcome } from '../core/index.ts';
import type { Colors } from './cli.ts';

/** An outcome in a word or two, in the colour of what it means: a weakness found is red. */
export function outcomeText(outcome: Outcome | null, colors: Colors): string {
  if (outcome === null) return colors.dim('open');
  switch (outcome.kind) {
    case 'attack_succeeded':
    case 'failed':
      return `${colors.red(outcome.kind)}${outcome.blocked === true ? colors.yellow(' (blocked)') : ''}`;
    case 'attack_failed':
    case 'passed':
      return `${colors.green(outcome.kind)}${outcome.blocked === true ? colors.yellow(' (blocked)') : ''}`;
    case 'error':
      return colors.magenta(`error (${outcome.source}: ${outcome.code})`);
    case 'undetermined':
    case 'skipped':
    case 'cancelled':
    case 'interrupted':
      return colors.yellow(outcome.kind);
  }
}
