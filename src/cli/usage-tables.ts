import { CALL_STATUSES } from '../core/index.ts';
import type { BranchTotals, BranchTotalsByPath, CallTotals, CallTotalsByName, UsageView } from '../report/index.ts';
import type { Colors } from './cli.ts';
import { count, dollars, duration, oneLine } from './format.ts';
import { renderTable, type Column } from './table.ts';

interface TextOptions {
  readonly width: number;
  readonly colors: Colors;
}

/** Rows of one table; a run may have thousands of trials. */
const MOST_ROWS = 25;

/** trial-2 before trial-10. */
const byNumber = new Intl.Collator('en', { numeric: true });

/** Longer names are cut: they may come from anywhere. */
const LONGEST_NAME = 120;

/** A run's use as tables: the whole, then by its parts. Parts that nothing in the run has are left out. */
export function usageText(usage: UsageView, options: TextOptions): string {
  const { colors } = options;
  const parts: readonly (readonly [string, CallTotalsByName | undefined])[] = [
    ['model', usage.by_model],
    ['role', usage.by_role],
    ['deployment', usage.by_deployment],
    [pluginTitle(usage.by_probe), named(usage.by_probe)],
    ['variant', usage.by_variant],
    ['trial', usage.trial === undefined ? usage.by_trial : undefined],
    ['phase', usage.by_phase],
  ];
  return [
    `${colors.bold(usage.run ?? 'calls of no run')}${usage.trial === undefined ? '' : `, trial ${oneLine(usage.trial, LONGEST_NAME)}`}${simulation(usage, colors)}`,
    ...summary(usage),
    ...parts.flatMap(([title, groups]) => (groups === undefined || Object.keys(groups).length === 0 ? [] : [`\n${usageTable(title, groups, options)}`])),
    ...(usage.by_branch === undefined ? [] : [`\n${branchTable(usage.by_branch, options)}`]),
  ].join('\n');
}

function simulation({ simulated, simulated_calls: some }: UsageView, colors: Colors): string {
  if (simulated !== true) return '';
  return colors.yellow(some === undefined ? ' (simulated)' : ` (in part simulated: ${callCount(some)})`);
}

/** Groups among which at least one has a name. */
function named(groups: CallTotalsByName): CallTotalsByName | undefined {
  return Object.keys(groups).some((name) => name !== 'unattributed') ? groups : undefined;
}

function pluginTitle(groups: CallTotalsByName): string {
  return Object.keys(groups).every((name) => name === 'unattributed' || name.startsWith('probes.')) ? 'probe' : 'plugin';
}

function summary(usage: UsageView): string[] {
  const { calls, tokens } = usage;
  const fates = CALL_STATUSES.filter((status) => calls[status] > 0).map((status) => `${count(calls[status])} ${status}`);
  const inFlight = usage.in_flight ?? 0;
  const notes = [
    usage.replayed === undefined ? undefined : `${count(usage.replayed)} more ${usage.replayed === 1 ? 'request was' : 'requests were'} answered from the store, free`,
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

/** One table of a run's use, the largest part first. A column that is zero throughout for what few runs have is left out. */
function usageTable(title: string, groups: CallTotalsByName, options: TextOptions): string {
  const rows = Object.entries(groups).toSorted(([name, a], [other, b]) => b.tokens.total_tokens - a.tokens.total_tokens || b.calls.total - a.calls.total || byNumber.compare(name, other));
  const anyReplayed = rows.some(([, { replayed }]) => replayed !== undefined);
  const columns: readonly (Column & { readonly cell: (name: string, totals: CallTotals) => string })[] = [
    { title, flexible: true, cell: (name) => oneLine(name, LONGEST_NAME) },
    { title: 'calls', align: 'right', cell: (_, { calls }) => count(calls.total) },
    { title: 'not ok', align: 'right', cell: (_, { calls }) => count(calls.total - calls.ok - calls.blocked) },
    { title: 'in flight', align: 'right', cell: (_, totals) => count(totals.in_flight ?? 0) },
    ...(anyReplayed ? [{ title: 'replayed', align: 'right' as const, cell: (_: string, totals: CallTotals) => count(totals.replayed ?? 0) }] : []),
    { title: 'prompt', align: 'right', cell: (_, { tokens }) => count(tokens.prompt_tokens) },
    { title: 'completion', align: 'right', cell: (_, { tokens }) => count(tokens.completion_tokens) },
    { title: 'reasoning', align: 'right', cell: (_, { tokens }) => (tokens.reasoning_tokens === null ? '–' : count(tokens.reasoning_tokens)) },
    { title: 'cost', align: 'right', cell: (_, totals) => dollars(totals.cost_usd, totals.unpriced_calls) },
    { title: 'waited', align: 'right', cell: (_, totals) => duration(totals.waited_ms) },
  ];
  const shown = rows.slice(0, MOST_ROWS).map(([name, totals]) => columns.map(({ cell }) => cell(name, totals)));
  const left = rows.slice(MOST_ROWS).map(([, totals]) => totals);
  return [renderTable(columns, shown, { width: options.width, heading: options.colors.bold }), ...leftOut(left, options)].join('\n');
}

/** What a branch used by itself, including the branches inside it, and what its trunk had used when it forked. */
function branchTable(branches: BranchTotalsByPath, options: TextOptions): string {
  const rows = Object.entries(branches);
  const columns: readonly (Column & { readonly cell: (path: string, totals: BranchTotals) => string })[] = [
    { title: 'branch', flexible: true, cell: (path) => oneLine(path, LONGEST_NAME) },
    { title: 'calls', align: 'right', cell: (_, { own }) => count(own.calls.total) },
    { title: 'tokens', align: 'right', cell: (_, { own }) => count(own.tokens.total_tokens) },
    { title: 'cost', align: 'right', cell: (_, { own }) => dollars(own.cost_usd, own.unpriced_calls) },
    { title: 'incl. calls', align: 'right', cell: (_, { inclusive }) => count(inclusive.calls.total) },
    { title: 'incl. tokens', align: 'right', cell: (_, { inclusive }) => count(inclusive.tokens.total_tokens) },
    { title: 'pre-fork calls', align: 'right', cell: (_, { pre_fork: before }) => (before === null ? 'unknown' : count(before.calls.total)) },
    { title: 'pre-fork tokens', align: 'right', cell: (_, { pre_fork: before }) => (before === null ? 'unknown' : count(before.tokens.total_tokens)) },
  ];
  const shown = rows.slice(0, MOST_ROWS).map(([path, totals]) => columns.map(({ cell }) => cell(path, totals)));
  const left = rows.slice(MOST_ROWS).map(([, { own }]) => own);
  return [renderTable(columns, shown, { width: options.width, heading: options.colors.bold }), ...leftOut(left, options)].join('\n');
}

function leftOut(left: readonly CallTotals[], { colors }: TextOptions): string[] {
  if (left.length === 0) return [];
  const calls = left.reduce((sum, totals) => sum + totals.calls.total, 0);
  const tokens = left.reduce((sum, totals) => sum + totals.tokens.total_tokens, 0);
  return [colors.dim(`… ${count(left.length)} more with ${callCount(calls)} and ${count(tokens)} tokens in all; --json shows every one`)];
}
