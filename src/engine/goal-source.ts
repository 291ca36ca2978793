import type { Goal } from '../core/index.ts';
import type { RunStore } from './leased-store.ts';
import type { PlanProgress } from './planner.ts';

const PAGE = 256;

/** Hands out the goals of a run that still need an outcome, in order, a page at a time, as planning goes on. */
export class GoalSource {
  readonly #store: Pick<RunStore, 'goals'>;
  readonly #runId: string;
  readonly #outcomes: readonly string[];
  readonly #progress: PlanProgress;
  #page: Goal[] = [];
  #at = 0;
  #from = 0;
  #loading: Promise<void> | undefined;
  #exhausted = false;

  /** @param outcomes which goals to hand out: `open` and the outcomes that may be superseded now */
  constructor(store: Pick<RunStore, 'goals'>, runId: string, outcomes: readonly string[], progress: PlanProgress) {
    this.#store = store;
    this.#runId = runId;
    this.#outcomes = outcomes;
    this.#progress = progress;
  }

  /** The next goal, or `undefined` once there is none left to come. */
  async next(): Promise<Goal | undefined> {
    for (;;) {
      const goal = this.#page[this.#at];
      if (goal !== undefined) {
        this.#at++;
        return goal;
      }
      if (this.#exhausted) return undefined;
      this.#loading ??= this.#load().finally(() => (this.#loading = undefined));
      await this.#loading;
    }
  }

  /** Wakes whoever waits for planning to go on: nothing more will be handed out. */
  close(): void {
    this.#exhausted = true;
    this.#page = [];
    this.#progress.wake();
  }

  async #load(): Promise<void> {
    const { done, planned } = this.#progress;
    const stored = planned > this.#from ? await this.#store.goals(this.#runId, { from: this.#from, limit: PAGE, outcomes: this.#outcomes }) : [];
    if (this.#exhausted) return;
    // Goals beyond were planned by an earlier process, and it is not yet known that they would be planned again.
    const page = stored.filter((goal) => goal.index < planned);
    this.#page = page;
    this.#at = 0;
    const last = page.at(-1);
    if (last !== undefined) this.#from = last.index + 1;
    else if (done) this.#exhausted = true;
    else {
      this.#from = Math.max(this.#from, planned);
      if (this.#progress.planned === planned && !this.#progress.done) await this.#progress.changed();
    }
  }
}
