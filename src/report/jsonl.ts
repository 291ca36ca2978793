import type { Attempt, Goal, Run, Score } from '../core/index.ts';
import type { Store } from '../store/contract.ts';
import { isoTime, runListView } from './run-views.ts';

export interface JsonlOptions {
  /** Takes out what must not leave this machine; applied to every line's value. */
  readonly redact: <T>(value: T) => T;
}

const PAGE = 100;

/**
 * A run as JSON Lines, a piece at a time: the run's line first, then one line a goal, in order, with its attempts, scores
 * and outcome. Every line says whether the run was simulated. Lines end in `\n`.
 */
export async function* exportJsonl(store: Pick<Store, 'goals' | 'attempts' | 'scores'>, run: Run, options: JsonlOptions): AsyncGenerator<string> {
  yield line(runLine(run), options);
  for (let from = 0; ; ) {
    const goals = await store.goals(run.id, { from, limit: PAGE });
    for (const goal of goals) {
      const [attempts, scores] = await Promise.all([store.attempts(run.id, goal.index), store.scores(run.id, goal.index)]);
      yield line(goalLine(run, goal, attempts, scores), options);
    }
    const last = goals.at(-1);
    if (last === undefined || goals.length < PAGE) return;
    from = last.index + 1;
  }
}

function line(value: object, options: JsonlOptions): string {
  return `${JSON.stringify(options.redact(value))}\n`;
}

function runLine(run: Run): object {
  const [item] = runListView([run]);
  return { type: 'run', ...item, config: run.config };
}

function goalLine(run: Run, goal: Goal, attempts: readonly Attempt[], scores: readonly Score[]): object {
  const { runId: _run, startedAt, endedAt, data: _data, ...rest } = goal;
  return {
    type: 'goal',
    run: run.id,
    simulated: run.simulated,
    ...rest,
    started_at: startedAt === null ? null : isoTime(startedAt),
    ended_at: endedAt === null ? null : isoTime(endedAt),
    attempts: attempts.map((attempt) => ({
      key: attempt.key,
      seq: attempt.seq,
      status: attempt.status,
      conversation: attempt.conversation,
      outputs: attempt.outputs,
      notes: attempt.notes,
      error: attempt.error,
      started_at: isoTime(attempt.startedAt),
      ended_at: isoTime(attempt.endedAt),
    })),
    scores: scores.map((score) => ({
      attempt: score.attemptKey,
      output: score.outputIndex,
      grader: score.grader,
      value: score.value,
      threshold: score.threshold,
      reason: score.reason,
    })),
  };
}
