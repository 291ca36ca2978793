import { CALL_STATUSES } from '../core/index.ts';
import type { CallTotals, CallTotalsByName, UsageView } from '../report/index.ts';
import type { Colors } from './cli.ts';
import { count, dollars, duration } from './format.ts';
import { renderTable } from './table.ts';

/** A run's use as tables: the whole, then by model, role, deployment and probe. */
export function usageText(usage: UsageView, options: { readonly simulated: boolean; readonly width: number; readonly colors: Colors }): string {
  const { colors } = options;
  const parts: readonly (readonly [string, CallTotalsByName])[] = [
    ['model', usage.by_model],
    ['role', usage.by_role],
    ['deployment', usage.by_deployment],
    ['probe', usage.by_probe],
  ];
  return [
    `${colors.bold(usage.run)}${options.simulated ? colors.yellow(' (simulated)') : ''}`,
    ...summary(usage),
    ...parts.filter(([, groups]) => Object.keys(groups).length > 0).map(([title, groups]) => `\n${usageTable(title, groups, options)}`),
  ].join('\n');
}

function summary(usage: UsageView): string[] {
  const { calls, tokens } = usage;
  const fates = CALL_STATUSES.filter((status) => calls[status] > 0).map((status) => `${count(calls[status])} ${status}`);
  const inFlight = usage.in_flight ?? 0;
  const notes = [
    tokens.estimated > 0 ? `usage of ${callCount(tokens.estimated)} is estimated` : undefined,
    tokens.unknown_calls > 0 ? `usage of ${callCount(tokens.unknown_calls)} is unknown and not in these sums` : undefined,
    usage.unpriced_calls === undefined ? undefined : `no price is known for ${callCount(usage.unpriced_calls)}`,
  ].filter((note) => note !== undefined);
  return [
    `calls   ${count(calls.total)}${fates.length > 0 ? ` (${fates.join(', ')})` : ''}${inFlight > 0 ? `, and ${count(inFlight)} in flight` : ''}`,
    `tokens  ${count(tokens.total_tokens)} (${count(tokens.prompt_tokens)} prompt, ${count(tokens.completion_tokens)} completion${
      tokens.reasoning_tokens === null ? '' : `, of it ${count(tokens.reasoning_tokens)} reasoning`
    })`,
    `cost    ${dollars(usage.cost_usd, usage.unpriced_calls)}`,
    `waited  ${duration(usage.waited_ms)}, summed over calls`,
    ...notes.map((note) => `note    ${note}`),
  ];
}

function callCount(number: number): string {
  return `${count(number)} ${number === 1 ? 'call' : 'calls'}`;
}

/** One table of a run's use, the largest part first. */
function usageTable(title: string, groups: CallTotalsByName, options: { readonly width: number; readonly colors: Colors }): string {
  const rows = Object.entries(groups).toSorted(([, a], [, b]) => b.tokens.total_tokens - a.tokens.total_tokens || b.calls.total - a.calls.total);
  return renderTable(
    [
      { title, flexible: true },
      { title: 'calls', align: 'right' },
      { title: 'not ok', align: 'right' },
      { title: 'in flight', align: 'right' },
      { title: 'prompt', align: 'right' },
      { title: 'completion', align: 'right' },
      { title: 'reasoning', align: 'right' },
      { title: 'cost', align: 'right' },
      { title: 'waited', align: 'right' },
    ],
    rows.map(([name, totals]) => usageRow(name, totals)),
    { width: options.width, heading: options.colors.bold },
  );
}

function usageRow(name: string, { calls, tokens, ...rest }: CallTotals): string[] {
  return [
    name,
    count(calls.total),
    count(calls.total - calls.ok - calls.blocked),
    count(rest.in_flight ?? 0),
    count(tokens.prompt_tokens),
    count(tokens.completion_tokens),
    tokens.reasoning_tokens === null ? '–' : count(tokens.reasoning_tokens),
    dollars(rest.cost_usd, rest.unpriced_calls),
    duration(rest.waited_ms),
  ];
}
