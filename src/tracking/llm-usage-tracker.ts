import { countProcess, UsageTally, withScope, type LlmUsage } from '../ledger/index.ts';
import { keepIteration } from './kept-iteration.ts';

let tallyOf: (tracker: LLMUsageTracker) => UsageTally;

/**
 * Counts model calls for a log.
 *
 * @example
 * const tracker = new LLMUsageTracker();
 * await tracker.track(() => controller.run());
 * await tracker.settled();
 * payload.llm_usage = tracker.toDict();
 */
export class LLMUsageTracker {
  readonly #tally = new UsageTally();

  /**
   * Runs `fn` and counts the calls made inside, also those of what it starts. Trackers may run side by side and inside one another:
   * each counts its own. Returns what `fn` returns.
   */
  track<T>(fn: () => T): T {
    return withScope({}, () => keepIteration(fn()), this.#tally);
  }

  /** Calls under way, which are not in the figures yet. */
  get inFlight(): number {
    return this.#tally.inFlight;
  }

  /**
   * Resolves once every call that has left is counted and its end is in the ledger. A stream that is still read, or an aborted call,
   * settles after the function that made it returned. Await that function first: a call it has not begun yet is not waited for.
   */
  settled(): Promise<void> {
    return this.#tally.settled();
  }

  /** The `llm_usage` block: what the calls that have ended so far used. JSON-safe; a copy. */
  toDict(): LlmUsage {
    return this.#tally.toDict();
  }

  static {
    tallyOf = (tracker) => tracker.#tally;
  }
}

let current: { readonly tracker: LLMUsageTracker; readonly stop: () => void } | undefined;

/**
 * Makes a tracker count every call that this process (this thread) makes from now on; one that was set before stops. The simple form,
 * for trials that run one after another: trials that overlap would be mixed up, so there use `tracker.track(fn)`.
 *
 * @example
 * setCurrentTracker(tracker);
 * try {
 *   await controller.run();
 * } finally {
 *   clearCurrentTracker();
 * }
 */
export function setCurrentTracker(tracker: LLMUsageTracker): void {
  if (current?.tracker === tracker) return;
  clearCurrentTracker();
  current = { tracker, stop: countProcess(tallyOf(tracker)) };
}

/** Ends what `setCurrentTracker` began. Calls under way are still counted. */
export function clearCurrentTracker(): void {
  current?.stop();
  current = undefined;
}
