import type { DryRun } from '../engine/index.ts';
import type { Colors } from './cli.ts';
import { count, duration } from './format.ts';
import { renderTable } from './table.ts';

/** A dry run as JSON: names as everywhere else, and marked as an estimate. */
export function dryRunView(plan: DryRun): object {
  return {
    estimated: true,
    goals: plan.goals,
    ...(plan.unestimated > 0 ? { unestimated_goals: plan.unestimated } : {}),
    calls: plan.calls,
    prompt_tokens: plan.promptTokens,
    total_tokens: plan.totalTokens,
    cost_usd: plan.costUsd,
    seconds: plan.seconds,
    by_probe: plan.byPlugin.map(({ plugin, target, goals, calls, promptTokens, outputTokens }) => ({ probe: plugin, target, goals, calls, prompt_tokens: promptTokens, output_tokens: outputTokens })),
  };
}

/** A dry run for people. Every figure is an estimate and says so. */
export function dryRunText(plan: DryRun, options: { readonly width: number; readonly colors: Colors }): string {
  const { bold, dim } = options.colors;
  const cost = plan.costUsd === null ? 'unknown: no price for a target (set prices: in the config)' : `$${plan.costUsd.low.toFixed(4)} to $${plan.costUsd.high.toFixed(4)}`;
  return [
    bold('dry run: nothing was sent or recorded; the figures are estimates'),
    `goals   ${count(plan.goals)}${plan.unestimated === 0 ? '' : `, of which ${count(plan.unestimated)} make calls that cannot be told beforehand: they are not in the figures below`}`,
    `calls   ${count(plan.calls)}, without retries`,
    `tokens  ${count(plan.totalTokens.low)} to ${count(plan.totalTokens.high)} (${count(plan.promptTokens)} prompt)`,
    `cost    ${cost}`,
    `time    ${plan.seconds === null ? 'unknown: no limit is set for a target' : `at least ${duration(plan.seconds * 1_000)} under the limits`}`,
    '',
    renderTable(
      [{ title: 'probe', flexible: true }, { title: 'target' }, { title: 'goals', align: 'right' }, { title: 'calls', align: 'right' }, { title: 'prompt', align: 'right' }, { title: 'output up to', align: 'right' }],
      plan.byPlugin.map((row) => [row.plugin, row.target, count(row.goals), count(row.calls), count(row.promptTokens), count(row.outputTokens)]),
      { width: options.width, heading: bold },
    ),
    ...(plan.goals === 0 ? [dim('nothing to run')] : []),
  ].join('\n');
}
