import type { Goal } from '../core/index.ts';

/** Goals held in memory behind a busy lane, at most; beyond it nothing more is taken from the plan until a lane moves on. */
const MOST_QUEUED = 4_096;

/** Keeps goals of one lane in planned order, one at a time, without holding up the others. */
export class Lanes {
  readonly #queues = new Map<string, Goal[]>();
  #queued = 0;
  #waiting: (() => void)[] = [];

  /** Resolves once another goal may be taken from the plan. */
  async room(): Promise<void> {
    while (this.#queued >= MOST_QUEUED) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Forgets what waits: the run is ending. */
  clear(): void {
    this.#queues.clear();
    this.#queued = 0;
    this.#wake();
  }

  /** True when the goal may run now; false when it was put behind the one that runs. */
  enter(goal: Goal): boolean {
    if (goal.lane === null || goal.lane === undefined) return true;
    const queue = this.#queues.get(goal.lane);
    if (queue === undefined) {
      this.#queues.set(goal.lane, []);
      return true;
    }
    queue.push(goal);
    this.#queued++;
    return false;
  }

  /** The next goal of the lane that just became free, if one waits. */
  leave(goal: Goal): Goal | undefined {
    if (goal.lane === null || goal.lane === undefined) return undefined;
    const next = this.#queues.get(goal.lane)?.shift();
    if (next === undefined) this.#queues.delete(goal.lane);
    else this.#queued--;
    this.#wake();
    return next;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
