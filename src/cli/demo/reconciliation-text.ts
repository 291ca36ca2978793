import type { UsageView } from '../../report/index.ts';
import type { Colors } from '../cli.ts';
import { count } from '../format.ts';
import { renderTable } from '../table.ts';
import type { Books } from './reconcile.ts';

const MOST_DIFFERENCES = 10;

/** Both books side by side, what they come to, and what to type next. */
export function reconciliationText(books: Books, usage: UsageView, { colors, width }: { readonly colors: Colors; readonly width: number }): string {
  const figure = (value: number | null): string => (value === null ? 'unknown' : count(value));
  return [
    '',
    colors.bold("4. The bill beside the provider's own count (simulated)"),
    renderTable(
      [{ title: '', flexible: true }, { title: 'provider', align: 'right' }, { title: 'ledger', align: 'right' }],
      books.lines.map((line) => [line.what, figure(line.provider), figure(line.ledger)]),
      { width, heading: colors.bold },
    ),
    books.balanced
      ? colors.green('Every call the provider served is in the ledger, none is made up, and every reported token agrees.')
      : colors.red(`The books differ:\n${books.differences.slice(0, MOST_DIFFERENCES).join('\n')}`),
    'A call in flight when the run was killed may have been served; the ledger says "lost" and leaves its tokens unknown, not zero.',
    '',
    'next',
    `  npx assay show ${usage.run} --outcome attack_succeeded`,
    `  npx assay usage ${usage.run}`,
    '  npx assay run probes.encoding --target sim:guarded',
    '  npx assay run probes --target openai:gpt-4.1-mini --dry-run',
    '  npx assay init',
  ].join('\n');
}
