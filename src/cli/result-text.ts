import type { ProbeResult, RunResultView, UsageView } from '../report/index.ts';
import type { Colors } from './cli.ts';
import { experimentsText } from './experiment-text.ts';
import { count, dollars, duration, oneLine, percent } from './format.ts';
import { renderTable, type Column } from './table.ts';

export interface ResultTextOptions {
  readonly simulated: boolean;
  /** Why the run ended as it did, where there is something to say. */
  readonly reason: string | null;
  readonly width: number;
  readonly colors: Colors;
}

const MOST_EXAMPLES = 3;

/** A run's results for people: rates with their intervals, the worst examples, the bill, and what to type next. */
export function resultText(view: RunResultView<ProbeResult>, usage: UsageView, options: ResultTextOptions): string {
  const { colors, simulated, reason } = options;
  const { goals } = view;
  const label = simulated ? colors.yellow(' (simulated: figures say nothing about a real model)') : '';
  return [
    '',
    `${colors.bold(`run ${view.run} ${view.status}`)}${reason === null ? '' : `: ${reason}`}${label}`,
    `goals   ${goals.planned === null ? 'still being planned' : `${count(goals.planned)} planned`}, ${count(goals.verdicts)} verdicts, ${count(goals.undetermined)} undetermined, ${count(goals.skipped)} skipped, ${count(goals.errors)} errors${goals.unfinished === undefined ? '' : `, ${count(goals.unfinished)} unfinished`}`,
    ...(view.results.length === 0 && view.experiments !== undefined ? [] : ['', resultTable(view.results, options), ...examples(view.results, options)]),
    ...(view.experiments === undefined ? [] : ['', ...experimentsText(view.experiments, options)]),
    '',
    deploymentTable(usage, options),
    ...(usage.tokens.estimated > 0 ? [colors.dim(`~ in part estimated: ${count(usage.tokens.estimated)} answers did not say their usage`)] : []),
    '',
    ...nextSteps(view, colors),
  ].join('\n');
}

type ResultColumn = Column & { readonly cell: (result: ProbeResult) => string };

/** Columns that say nothing about this run are left out. */
function resultTable(results: readonly ProbeResult[], { width, colors }: ResultTextOptions): string {
  const several = new Set(results.map((result) => result.target)).size > 1;
  const columns: ResultColumn[] = [
    { title: 'probe', flexible: true, keepEnd: true, cell: (result) => result.probe },
    ...(several ? [{ title: 'target', cell: (result: ProbeResult) => result.target }] : []),
    { title: 'detector', cell: (result) => (result.primary ? result.detector : colors.dim(result.detector)) },
    { title: 'hit rate', align: 'right', cell: (result) => (result.rate === null ? '–' : coloredRate(result.rate, colors)) },
    { title: '95 %', align: 'right', cell: (result) => (result.interval === null ? '–' : range(result.interval)) },
    { title: 'scored', align: 'right', cell: (result) => `${count(result.scored)}/${count(result.total)}` },
  ];
  const optional: ResultColumn[] = [
    { title: 'if unscored differed', align: 'right', cell: (result) => (result.bounds === null || result.scored === result.total ? '' : range(result.bounds)) },
    { title: 'not run', align: 'right', cell: (result) => (result.goals.unfinished === 0 ? '' : count(result.goals.unfinished)) },
    { title: 'blocked', align: 'right', cell: (result) => (result.blocked === 0 ? '' : count(result.blocked)) },
    { title: 'errors', align: 'right', cell: (result) => (result.goals.errors === 0 ? '' : colors.red(count(result.goals.errors))) },
  ];
  const shown = [...columns, ...optional.filter((column) => results.some((result) => column.cell(result) !== ''))];
  return renderTable(
    shown,
    results.map((result) => shown.map((column) => column.cell(result))),
    { width, heading: colors.bold },
  );
}

function coloredRate(rate: number, colors: Colors): string {
  const text = percent(rate);
  return rate === 0 ? colors.green(text) : rate >= 0.5 ? colors.red(text) : colors.yellow(text);
}

function range({ low, high }: { readonly low: number; readonly high: number }): string {
  return `${(low * 100).toFixed(1)}–${(high * 100).toFixed(1)} %`;
}

/** One hit of each of the probes that hit most. */
function examples(results: readonly ProbeResult[], { width, colors }: ResultTextOptions): string[] {
  const worst = results
    .filter((result) => result.primary && result.worst.length > 0)
    .toSorted((a, b) => (b.rate ?? 0) - (a.rate ?? 0))
    .slice(0, MOST_EXAMPLES);
  if (worst.length === 0) return [];
  return [
    '',
    colors.bold('worst examples'),
    ...worst.flatMap((result) => {
      const example = result.worst[0]!;
      return [
        `${result.probe}, goal ${example.goal}${example.reason === null ? '' : `: ${oneLine(example.reason, width)}`}`,
        colors.dim(`  asked    ${oneLine(example.prompt, width - 11)}`),
        colors.dim(`  answered ${oneLine(example.response, width - 11)}`),
      ];
    }),
  ];
}

function deploymentTable(usage: UsageView, { width, colors }: ResultTextOptions): string {
  return renderTable(
    [
      { title: 'deployment', flexible: true },
      { title: 'calls', align: 'right' },
      { title: 'not ok', align: 'right' },
      { title: 'retries', align: 'right' },
      { title: 'tokens', align: 'right' },
      { title: 'unknown', align: 'right' },
      { title: 'cost', align: 'right' },
      { title: 'waited', align: 'right' },
    ],
    Object.entries(usage.by_deployment).map(([name, part]) => [
      name,
      count(part.calls.total),
      count(part.calls.total - part.calls.ok - part.calls.blocked),
      count(part.retries ?? 0),
      `${part.tokens.estimated > 0 ? '~' : ''}${count(part.tokens.total_tokens)}`,
      count(part.tokens.unknown_calls),
      dollars(part.cost_usd, part.unpriced_calls),
      duration(part.waited_ms),
    ]),
    { width, heading: colors.bold },
  );
}

function nextSteps(view: RunResultView<ProbeResult>, colors: Colors): string[] {
  const id = view.run;
  const steps: (readonly [string, string])[] = [
    ...(view.status === 'completed' || (view.goals.planned !== null && view.goals.unfinished === undefined) ? [] : [[`assay resume ${id}`, 'go on where it stopped'] as const]),
    ...(view.goals.errors > 0 ? [[`assay resume ${id} --retry-errors`, 'try again what ended in error'] as const] : []),
    [`assay show ${id}`, 'the goals; with a number, a transcript'],
    [`assay usage ${id}`, 'calls, tokens and cost in full'],
    [`assay report ${id} --format jsonl`, 'everything, one JSON object a line'],
  ];
  const longest = Math.max(...steps.map(([command]) => command.length));
  return ['next', ...steps.map(([command, what]) => `  ${command.padEnd(longest)}  ${colors.dim(what)}`)];
}
