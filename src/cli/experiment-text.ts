import type { ExperimentResult, TrialMean, VariantComparison, VariantResult } from '../report/index.ts';
import type { Colors } from './cli.ts';
import { count, dollars, duration, percent } from './format.ts';
import { renderTable, type Column } from './table.ts';

export interface ExperimentTextOptions {
  readonly width: number;
  readonly colors: Colors;
}

/** Differences shown; the clearest come first. */
const MOST_COMPARISONS = 24;
/** At or above it nothing is claimed. */
const SIGNIFICANT = 0.05;

/** Experiments for people: what each variant scored, what its trials took, and how the variants differ. */
export function experimentsText(experiments: readonly ExperimentResult[], options: ExperimentTextOptions): string[] {
  return experiments.flatMap((experiment, place) => [...(place > 0 ? [''] : []), options.colors.bold(experiment.experiment), ...experimentText(experiment, options)]);
}

function experimentText({ variants, comparisons }: ExperimentResult, options: ExperimentTextOptions): string[] {
  const { colors } = options;
  const tables = [scoreTable(variants, options), usageTable(variants, options), roleTable(variants, options), forkTable(variants, options), comparisonTable(variants, comparisons, options)];
  const redone = variants.reduce((sum, { trials }) => sum + (trials.redone ?? 0), 0);
  return [
    tables.filter((table) => table !== undefined).join('\n\n'),
    ...(redone > 0 ? [colors.dim(`${count(redone)} ${redone === 1 ? 'trial' : 'trials'} broke off and ran again; what the broken tries used is in the bill, not in the figures per trial`)] : []),
  ];
}

type VariantColumn = Column & { readonly cell: (result: VariantResult) => string };

/** A table with a row a variant; columns that say nothing of any are left out. */
function variantTable(variants: readonly VariantResult[], columns: readonly VariantColumn[], { width, colors }: ExperimentTextOptions): string {
  const shown = [nameColumn(variants), ...columns.filter(({ cell }) => variants.some((result) => cell(result) !== ''))];
  return renderTable(
    shown,
    variants.map((result) => shown.map(({ cell }) => cell(result))),
    { width, heading: colors.bold },
  );
}

function nameColumn(variants: readonly VariantResult[]): VariantColumn {
  return { title: 'variant', flexible: true, keepEnd: true, cell: (result) => nameOf(result, variants) };
}

/** What tells it from the other rows: its variant, its target, or both. */
function nameOf({ variant, target }: Pick<VariantResult, 'variant' | 'target'>, variants: readonly VariantResult[]): string {
  const several = new Set(variants.map((each) => each.target)).size > 1;
  if (variant === null) return several ? target : 'all';
  return several ? `${variant} @ ${target}` : variant;
}

function scoreTable(variants: readonly VariantResult[], options: ExperimentTextOptions): string {
  const { colors } = options;
  const names = [...new Set(variants.flatMap(({ scores }) => scores.map(({ name }) => name)))];
  const columns = names.flatMap((name): VariantColumn[] => {
    const of = (result: VariantResult) => result.scores.find((score) => score.name === name);
    return [
      { title: name, align: 'right', cell: (result) => figure(of(result)?.mean ?? null) },
      { title: '95 %', align: 'right', cell: (result) => range(of(result)?.interval ?? null, 3) },
      { title: 'scored', align: 'right', cell: (result) => `${count(of(result)?.scored ?? 0)}/${count(of(result)?.total ?? 0)}` },
      {
        title: 'if unscored differed',
        align: 'right',
        cell: (result) => {
          const score = of(result);
          return score === undefined || score.scored === score.total ? '' : range(score.bounds, 3);
        },
      },
    ];
  });
  return variantTable(
    variants,
    [
      { title: 'trials', align: 'right', cell: ({ trials }) => `${count(trials.planned - trials.unfinished)}/${count(trials.planned)}` },
      ...columns,
      { title: 'passed', align: 'right', cell: ({ pass_rate: pass }) => (pass?.rate === undefined || pass.rate === null ? '' : percent(pass.rate)) },
      { title: '95 %', align: 'right', cell: ({ pass_rate: pass }) => (pass?.interval === undefined || pass.interval === null ? '' : `${(pass.interval.low * 100).toFixed(1)}–${(pass.interval.high * 100).toFixed(1)} %`) },
      { title: 'errors', align: 'right', cell: ({ trials }) => (trials.errors === 0 ? '' : colors.red(count(trials.errors))) },
    ],
    options,
  );
}

/** Means over the trials that ended without error, each with its interval. */
function usageTable(variants: readonly VariantResult[], options: ExperimentTextOptions): string | undefined {
  if (variants.every(({ per_trial: used }) => used === null || used.calls.mean === 0)) return undefined;
  const measures = [...new Set(variants.flatMap((result) => Object.keys(result.measures)))];
  const mean = (title: string, pick: (result: VariantResult) => TrialMean | null | undefined, write: (value: number) => string = figure): VariantColumn => ({
    title,
    align: 'right',
    cell: (result) => withInterval(pick(result) ?? null, write),
  });
  return variantTable(
    variants,
    [
      mean('calls/trial', ({ per_trial: used }) => used?.calls),
      mean('explicit', ({ per_trial: used }) => used?.explicit_calls),
      mean('hidden', ({ per_trial: used }) => used?.hidden_calls),
      mean('calls/turn', ({ per_trial: used }) => used?.calls_per_turn),
      mean('explicit/turn', ({ per_trial: used }) => used?.explicit_calls_per_turn),
      mean('hidden/turn', ({ per_trial: used }) => used?.hidden_calls_per_turn),
      { ...mean('failed/trial', ({ per_trial: used }) => (variants.some((each) => (each.per_trial?.failed_calls.mean ?? 0) > 0) ? used?.failed_calls : null)) },
      mean('tokens/trial', ({ per_trial: used }) => used?.total_tokens, count),
      mean('cost/trial', ({ per_trial: used }) => used?.cost_usd, dollars),
      mean('waited', ({ per_trial: used }) => (variants.some((each) => (each.per_trial?.waited_ms.mean ?? 0) >= 1_000) ? used?.waited_ms : null), duration),
      ...measures.filter((name) => name !== 'turns' || variants.every(({ per_trial: used }) => used?.calls_per_turn === undefined)).map((name) => mean(name, (result) => result.measures[name])),
    ],
    options,
  );
}

function roleTable(variants: readonly VariantResult[], options: ExperimentTextOptions): string | undefined {
  const roles = [...new Set(variants.flatMap((result) => Object.keys(result.by_role)))];
  if (roles.length < 2) return undefined;
  return variantTable(
    variants,
    roles.map((role) => ({
      title: `${role} tokens (calls)`,
      align: 'right',
      cell: (result) => {
        const used = result.by_role[role];
        return used === undefined ? '–' : `${count(used.total_tokens)} (${figure(used.calls)})`;
      },
    })),
    options,
  );
}

function forkTable(variants: readonly VariantResult[], options: ExperimentTextOptions): string | undefined {
  if (variants.every(({ forks }) => forks === null)) return undefined;
  const part = (title: string, which: 'pre_fork' | 'branches'): VariantColumn => ({
    title,
    align: 'right',
    cell: ({ forks }) => (forks === null ? '–' : `${count(forks[which].total_tokens)} (${figure(forks[which].calls)})`),
  });
  return variantTable(variants, [{ title: 'forked', align: 'right', cell: ({ forks }) => count(forks?.trials ?? 0) }, part('pre-fork tokens (calls)', 'pre_fork'), part('branches tokens (calls)', 'branches')], options);
}

function comparisonTable(variants: readonly VariantResult[], comparisons: readonly VariantComparison[], { width, colors }: ExperimentTextOptions): string | undefined {
  if (comparisons.length === 0) return undefined;
  const shown = comparisons.toSorted((a, b) => a.p_holm - b.p_holm || a.p - b.p).slice(0, MOST_COMPARISONS);
  const hidden = comparisons.length - shown.length;
  const table = renderTable(
    [{ title: 'difference', flexible: true }, { title: 'in' }, { title: 'mean', align: 'right' }, { title: '95 %', align: 'right' }, { title: 'p', align: 'right' }, { title: 'p (Holm)', align: 'right' }, { title: 'pairs', align: 'right' }],
    shown.map((each) => [
      `${nameOf(each.a, variants)} − ${nameOf(each.b, variants)}`,
      each.metric.replaceAll('_', ' '),
      figure(each.difference),
      range(each.interval, 3),
      chance(each.p),
      each.p_holm < SIGNIFICANT ? colors.bold(chance(each.p_holm)) : chance(each.p_holm),
      each.method === 'paired' ? count(each.n) : `${count(each.n)} unpaired`,
    ]),
    { width, heading: colors.bold },
  );
  return [table, ...(hidden > 0 ? [colors.dim(`and ${count(hidden)} differences more; --json has all`)] : [])].join('\n');
}

function withInterval(mean: TrialMean | null, write: (value: number) => string): string {
  if (mean === null) return '';
  const { interval } = mean;
  const flat = interval === null || write(interval.low) === write(interval.high);
  return flat ? write(mean.mean) : `${write(mean.mean)} (${write(interval.low)}–${write(interval.high)})`;
}

function range(interval: { readonly low: number; readonly high: number } | null, digits: number): string {
  return interval === null ? '–' : `${figure(interval.low, digits)}–${figure(interval.high, digits)}`.replace(/^(-[^–]+)–/, '$1 to ').replace('–-', ' to -');
}

/** A figure with as many digits as it needs: `0.333`, `12.5`, `1,204`. */
function figure(value: number | null, digits = 3): string {
  if (value === null) return '–';
  const size = Math.abs(value);
  if (size >= 1_000) return count(value);
  const places = size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.001 || value === 0 ? digits : 6;
  return String(Number(value.toFixed(places)));
}

function chance(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}
