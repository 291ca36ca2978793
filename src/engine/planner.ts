import { UsageError, type Clock, type Run } from '../core/index.ts';
import type { PlannedGoal } from '../store/index.ts';
import type { GoalPlan, PlanContext, Suite } from './contract.ts';
import type { RunStore } from './leased-store.ts';

const BATCH = 200;

/** How far planning has come, shared with those who wait for goals. */
export class PlanProgress {
  /** Goals committed so far. */
  planned = 0;
  done = false;
  #waiting: (() => void)[] = [];

  advance(planned: number): void {
    this.planned = planned;
    this.wake();
  }

  finish(): void {
    this.done = true;
    this.wake();
  }

  /** Resolves at the next advance. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets those who wait look again. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

export interface PlanOptions {
  readonly store: Pick<RunStore, 'write' | 'goals' | 'countGoals'>;
  readonly clock: Clock;
  readonly run: Run;
  readonly suites: readonly Suite[];
  /** Its signal ends planning early; the rest is then planned on resume. */
  readonly ctx: PlanContext;
  readonly progress: PlanProgress;
}

/**
 * Plans a run's goals into the store, a batch at a time, so memory does not grow with their number. On resume the plan is
 * made again: goals that are there must have the same key, the rest is added.
 *
 * @throws UsageError `input` when what was planned before is not what is planned now; whatever `plan` throws
 */
export async function planGoals(options: PlanOptions): Promise<void> {
  const { store, clock, run, suites, ctx, progress } = options;
  const known = (await store.countGoals(run.id)).planned;
  let index = 0;
  let batch: PlannedGoal[] = [];
  const flush = async (): Promise<void> => {
    const first = batch[0];
    if (first !== undefined && first.index < known) await checkUnchanged(store, run.id, batch);
    await store.write(...batch.filter((goal) => goal.index >= known).map((goal) => ({ op: 'goal.plan' as const, goal })));
    batch = [];
    progress.advance(index);
  };
  for (const suite of suites) {
    for await (const plan of suite.plan(ctx)) {
      if (ctx.signal.aborted) return;
      batch.push(plannedGoal(run.id, index++, suite, plan));
      if (batch.length >= BATCH) await flush();
    }
  }
  await flush();
  if (index < known) throw changedInput(run.id, index);
  await store.write(
    { op: 'run.update', id: run.id, patch: { planned: index } },
    { op: 'event.add', event: { runId: run.id, at: Math.round(clock.now()), type: 'run.planned', data: { planned: index } } },
  );
  progress.finish();
}

async function checkUnchanged(store: Pick<RunStore, 'goals'>, runId: string, batch: readonly PlannedGoal[]): Promise<void> {
  const stored = await store.goals(runId, { from: batch[0]!.index, limit: batch.length });
  const keys = new Map(stored.map((goal) => [goal.index, goal.key]));
  for (const goal of batch) {
    const key = keys.get(goal.index);
    if (key !== undefined && key !== goal.key) throw changedInput(runId, goal.index);
  }
}

function changedInput(runId: string, index: number): UsageError {
  return new UsageError({
    code: 'input',
    message: `run ${runId} cannot be resumed: what it tries has changed since it was planned (first difference at goal ${index})`,
    hint: 'restore the input files and the version of Assay it was planned with, or start a new run',
  });
}

function plannedGoal(runId: string, index: number, suite: Suite, plan: GoalPlan): PlannedGoal {
  return {
    runId,
    index,
    key: plan.key,
    suite: suite.kind,
    plugin: plan.plugin,
    target: plan.target,
    text: plan.text,
    item: plan.item,
    variant: plan.variant ?? null,
    repeat: plan.repeat,
    tags: plan.tags ?? [],
    lane: plan.lane ?? null,
    data: plan.data,
  };
}
