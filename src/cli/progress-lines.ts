import { count, dollars, duration, percent, shortCount } from './format.ts';
import type { BudgetUse, ProgressState } from './progress-state.ts';

type Deployment = NonNullable<ProgressState['deployments']>[number];

/** Deployments shown in the live block; the busiest come first, the rest are counted. */
const SHOWN_DEPLOYMENTS = 6;

export interface LineOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly width: number;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
  readonly warn: (text: string) => string;
}

/** The live block: a bar, what it has cost so far, and a line a deployment. */
export function blockLines(state: ProgressState, options: LineOptions): string[] {
  const { dim, bold, warn } = options;
  const label = `${state.label}${state.simulated === true ? ` ${warn('simulated')}` : ''}`;
  const lines = [bold(label), `${barAndCount(state, options)}  ${pace(state)}`];
  lines.push(dim(spending(state)));
  if (state.budget !== undefined && state.budget.length > 0) lines.push(dim(`budget  ${state.budget.map(budgetText).join('   ')}`));
  const waits = waitingText(state, options.now);
  if (waits !== undefined) lines.push(warn(waits));
  const deployments = [...(state.deployments ?? [])].toSorted((a, b) => b.in_flight + b.waiting - (a.in_flight + a.waiting));
  for (const each of deployments.slice(0, SHOWN_DEPLOYMENTS)) lines.push(dim(`  ${deploymentText(each, options.now)}`));
  if (deployments.length > SHOWN_DEPLOYMENTS) lines.push(dim(`  and ${deployments.length - SHOWN_DEPLOYMENTS} more deployments`));
  return lines;
}

/** The same in one plain line, for logs. */
export function plainLine(state: ProgressState, now: number): string {
  const parts = [
    `${state.label}${state.simulated === true ? ' (simulated)' : ''}: ${goalCount(state)}`,
    pace(state),
    spending(state),
    ...(state.budget ?? []).map(budgetText),
    waitingText(state, now),
  ];
  return parts.filter((part) => part !== undefined && part !== '').join(', ');
}

function barAndCount(state: ProgressState, { width, dim }: LineOptions): string {
  const counts = goalCount(state);
  if (state.planned === null) return counts;
  const size = Math.max(8, Math.min(30, width - counts.length - 30));
  const share = state.planned === 0 ? 1 : Math.min(1, state.finished / state.planned);
  const full = Math.floor(share * size);
  return `${'█'.repeat(full)}${dim('░'.repeat(size - full))} ${percent(share)}  ${counts}`;
}

function goalCount(state: ProgressState): string {
  const goals = state.planned === null ? `${count(state.finished)} goals, planning` : `${count(state.finished)}/${count(state.planned)} goals`;
  return `${goals}${state.errors > 0 ? `, ${count(state.errors)} ${state.errors === 1 ? 'error' : 'errors'}` : ''}`;
}

function pace(state: ProgressState): string {
  if (state.rate === null) return '';
  const rate = `${state.rate >= 10 ? count(state.rate) : state.rate.toFixed(1)}/s`;
  const eta = remaining(state);
  return eta === undefined ? rate : `${rate}, about ${duration(eta)} left`;
}

/** Milliseconds until all planned goals are done at the present rate: a projection. */
function remaining({ planned, finished, rate }: ProgressState): number | undefined {
  if (planned === null || rate === null || rate <= 0 || finished >= planned) return undefined;
  return ((planned - finished) / rate) * 1_000;
}

function spending(state: ProgressState): string {
  const tokens = `${shortCount(state.tokens)} tokens (${shortCount(state.promptTokens)} in, ${shortCount(state.completionTokens)} out)`;
  return `${tokens}, cost ${dollars(state.costUsd, state.unpriced)}${state.waitedMs > 0 ? `, waited ${duration(state.waitedMs)}` : ''}`;
}

function budgetText({ name, used, limit }: BudgetUse): string {
  return name === 'usd' ? `${dollars(used)} of ${dollars(limit)}` : `${shortCount(used)} of ${shortCount(limit)} ${name}`;
}

function waitingText(state: ProgressState, now: number): string | undefined {
  if (state.pausedUntil !== null && state.pausedUntil > now) return `paused by the provider for ${duration(state.pausedUntil - now)} more, ${count(state.waiting)} calls waiting`;
  return state.waiting > 0 ? `${count(state.waiting)} calls waiting for their limit` : undefined;
}

function deploymentText(stats: Deployment, now: number): string {
  const parts = [
    `${stats.in_flight} in flight${stats.concurrency === null ? '' : ` of ${stats.concurrency}`}`,
    stats.waiting > 0 ? `${stats.waiting} waiting` : undefined,
    stats.utilization === null ? undefined : `${percent(stats.utilization)} of limit`,
    stats.quota_percentage === null ? undefined : `quota ${stats.quota_percentage.toFixed(1)} %`,
    stats.limited_count > 0 ? `${count(stats.limited_count)} × 429` : undefined,
    stats.paused_until !== null && stats.paused_until > now ? `paused ${duration(stats.paused_until - now)}` : undefined,
  ];
  return `${stats.deployment}: ${parts.filter((part) => part !== undefined).join(', ')}`;
}
