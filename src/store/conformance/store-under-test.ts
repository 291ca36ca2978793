import type { Store } from '../contract.ts';
import type { OpenStoreOptions } from '../open-store.ts';

/** One empty database, opened as often as a test likes; disposing of it closes what was opened and removes it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly location: string;
  open(options?: OpenStoreOptions): Promise<Store>;
}

export type MakeStore = () => Promise<StoreUnderTest>;

/** Every row that belongs to a run, as the contract shows it, without the event numbers that the store gives. */
export async function everythingOf(store: Store, runId: string): Promise<unknown> {
  const goals = await store.goals(runId, { from: 0, limit: 1_000 });
  const ofGoals = await Promise.all(
    goals.map(async (goal) => ({
      goal,
      history: await store.goalHistory(runId, goal.index),
      attempts: await store.attempts(runId, goal.index),
      steps: await store.steps(runId, goal.index),
      transcript: await store.transcript(runId, goal.index),
      scores: await store.scores(runId, goal.index),
    })),
  );
  const events = await store.events({ runId, after: 0, limit: 1_000 });
  return {
    run: await store.getRun(runId),
    goals: ofGoals,
    calls: await store.calls({ runId }),
    branches: await store.sumBranches({ runId }),
    answers: await answersOf(store, runId),
    events: events.map(({ seq: _given, ...event }) => event),
    counts: await store.countGoals(runId),
  };
}

async function answersOf(store: Store, runId: string): Promise<unknown> {
  const counts = [...(await store.answerCounts(runId))];
  return Promise.all(counts.flatMap(([key, n]) => Array.from({ length: n }, (_, occurrence) => store.answer({ runId, key, occurrence }))));
}
