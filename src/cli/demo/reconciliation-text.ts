import type { UsageView } from '../../report/index.ts';
import type { Colors } from '../cli.ts';
import { count } from '../format.ts';
import { renderTable } from '../table.ts';
import type { Books } from './reconcile.ts';

const MOST_DIFFERENCES = 10;

/** The runs that the demo made. */
export interface DemoRuns {
  readonly probes: UsageView;
  readonly program: string;
  readonly experiment: string;
}

/** Both books side by side, what they come to, and what to type next. */
export function reconciliationText(books: Books, { probes, program, experiment }: DemoRuns, { colors, width }: { readonly colors: Colors; readonly width: number }): string {
  const figure = (value: number | null): string => (value === null ? 'unknown' : count(value));
  return [
    '',
    colors.bold("7. The bill of all three beside the provider's own count (simulated)"),
    renderTable(
      [{ title: '', flexible: true }, { title: 'provider', align: 'right' }, { title: 'ledger', align: 'right' }],
      books.lines.map((line) => [line.what, figure(line.provider), figure(line.ledger)]),
      { width, heading: colors.bold },
    ),
    books.balanced
      ? colors.green('Every call the provider served is in the ledger, none is made up, and every reported token agrees.')
      : colors.red(`The books differ:\n${books.differences.slice(0, MOST_DIFFERENCES).join('\n')}`),
    'A call in flight when its process was killed may have been served; the ledger says "lost" and leaves its tokens unknown, not zero.',
    '',
    'next',
    `  npx assay show ${probes.run} --outcome attack_succeeded`,
    `  npx assay usage ${program}`,
    `  npx assay show ${experiment} 0`,
    '  npx assay run probes.encoding --target sim:guarded',
    '  npx assay exec --name trial-1 --max-usd 1 -- python my_experiment.py',
    '  npx assay run probes --target openai:gpt-4.1-mini --dry-run',
    '  npx assay init',
  ].join('\n');
}
