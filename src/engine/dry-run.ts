import type { Limits } from '../limiter/index.ts';
import type { PlanContext, Suite } from './contract.ts';

/** What a run would take, before anything is sent. Every figure is an estimate. */
export interface DryRun {
  readonly goals: number;
  /** Goals of which nobody can tell beforehand what they take: they are in no other figure. */
  readonly unestimated: number;
  readonly calls: number;
  readonly promptTokens: number;
  /** From no output at all to every answer as long as it may be. */
  readonly totalTokens: { readonly low: number; readonly high: number };
  readonly costUsd: { readonly low: number; readonly high: number } | null;
  /** Shortest time the known limits allow, in seconds; `null` where none is known. */
  readonly seconds: number | null;
  readonly byPlugin: readonly { readonly plugin: string; readonly target: string; readonly goals: number; readonly calls: number; readonly promptTokens: number; readonly outputTokens: number }[];
}

export interface DryRunOptions {
  readonly suites: readonly Suite[];
  readonly ctx: PlanContext;
  readonly limitsFor: (target: string) => Limits | undefined;
  readonly costFor: (target: string, promptTokens: number, outputTokens: number) => number | null;
}

/** Plans without storing or sending, and adds up what was planned. */
export async function dryRun({ suites, ctx, limitsFor, costFor }: DryRunOptions): Promise<DryRun> {
  let unestimated = 0;
  const rows = new Map<string, { plugin: string; target: string; goals: number; calls: number; promptTokens: number; outputTokens: number }>();
  for (const suite of suites) {
    for await (const plan of suite.plan(ctx)) {
      const name = `${plan.plugin}\n${plan.target}`;
      const row = rows.get(name) ?? { plugin: plan.plugin, target: plan.target, goals: 0, calls: 0, promptTokens: 0, outputTokens: 0 };
      rows.set(name, row);
      row.goals++;
      const { expected } = plan;
      if (expected === undefined) {
        unestimated++;
        continue;
      }
      row.calls += expected.calls;
      row.promptTokens += expected.promptTokens;
      row.outputTokens += expected.outputTokens;
    }
  }
  const byPlugin = [...rows.values()];
  const sum = (pick: (row: (typeof byPlugin)[number]) => number): number => byPlugin.reduce((total, row) => total + pick(row), 0);
  const promptTokens = sum((row) => row.promptTokens);
  const outputTokens = sum((row) => row.outputTokens);
  return {
    goals: sum((row) => row.goals),
    unestimated,
    calls: sum((row) => row.calls),
    promptTokens,
    totalTokens: { low: promptTokens, high: promptTokens + outputTokens },
    costUsd: costRange(byPlugin, costFor),
    seconds: shortestTime(byPlugin, limitsFor),
    byPlugin,
  };
}

type Row = DryRun['byPlugin'][number];

function costRange(rows: readonly Row[], costFor: DryRunOptions['costFor']): DryRun['costUsd'] {
  let low = 0;
  let high = 0;
  for (const row of rows) {
    const least = costFor(row.target, row.promptTokens, 0);
    const most = costFor(row.target, row.promptTokens, row.outputTokens);
    if (least === null || most === null) return null;
    low += least;
    high += most;
  }
  return { low, high };
}

/** The slowest target decides: targets have limits of their own and run side by side. */
function shortestTime(rows: readonly Row[], limitsFor: DryRunOptions['limitsFor']): number | null {
  const perTarget = new Map<string, { calls: number; input: number; output: number }>();
  for (const row of rows) {
    const load = perTarget.get(row.target) ?? { calls: 0, input: 0, output: 0 };
    perTarget.set(row.target, { calls: load.calls + row.calls, input: load.input + row.promptTokens, output: load.output + row.outputTokens });
  }
  let seconds: number | null = null;
  for (const [target, load] of perTarget) {
    const limits = limitsFor(target);
    if (limits === undefined) continue;
    const times = [
      over(load.calls, limits.rps, 1),
      over(load.calls, limits.rpm, 60),
      over(load.input + load.output, limits.tpm, 60),
      over(load.input, limits.itpm, 60),
      over(load.output, limits.otpm, 60),
    ].filter((time) => time !== undefined);
    if (times.length > 0) seconds = Math.max(seconds ?? 0, ...times);
  }
  return seconds;
}

function over(amount: number, limit: number | undefined, perSeconds: number): number | undefined {
  return limit === undefined ? undefined : (amount / limit) * perSeconds;
}
