import { REPLAYED, type CallIntent, type CallSettlement, type Scope } from '../core/index.ts';
import { BranchBooks } from './branch-books.ts';
import type { CallCounter, Fork } from './call-counter.ts';
import { RunningSums, shareOf, UNATTRIBUTED, type LlmUsage } from './llm-usage.ts';

/**
 * Counts the calls of a scope as an experiment's log shows them. Calls are counted as they end. Its memory grows with the models,
 * roles and branches there are, not with calls.
 */
export class UsageTally implements CallCounter {
  readonly #all = new RunningSums();
  readonly #models = new Map<string, number>();
  readonly #roles = new Map<string, RunningSums>();
  readonly #branches = new BranchBooks();
  #retries = 0;
  #replayed = 0;
  #inFlight = 0;
  #waiting: (() => void)[] = [];

  /** Calls opened and not yet settled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  forked(scope: Scope, fork: Fork): void {
    this.#branches.fork(scope, fork);
  }

  opened(intent: CallIntent, forks: readonly Fork[]): void {
    this.#inFlight++;
    this.#branches.open(intent, forks);
  }

  add(intent: CallIntent, settlement: CallSettlement): void {
    if (settlement.status === REPLAYED) {
      this.#replayed++;
      return;
    }
    const share = shareOf(settlement);
    this.#all.addCall(share);
    if (intent.retry > 0) this.#retries++;
    const model = settlement.modelAnswered ?? intent.modelAsked ?? UNATTRIBUTED;
    this.#models.set(model, (this.#models.get(model) ?? 0) + 1);
    const role = intent.scope.role ?? UNATTRIBUTED;
    let sums = this.#roles.get(role);
    if (sums === undefined) this.#roles.set(role, (sums = new RunningSums()));
    sums.addCall(share);
    this.#branches.add(intent, share);
  }

  closed(intent: CallIntent): void {
    this.#branches.close(intent);
    this.#inFlight--;
    if (this.#inFlight > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves once no call that it counts is under way: each is counted, and its end committed. */
  settled(): Promise<void> {
    return this.#inFlight === 0 ? Promise.resolve() : new Promise((resolve) => void this.#waiting.push(resolve));
  }

  /** What the calls that have ended so far used. JSON-safe; a copy. */
  toDict(): LlmUsage {
    const { calls, failed_calls, unknown_calls, estimated_calls, ...tokens } = this.#all.toSums();
    return {
      total_calls: calls,
      ...tokens,
      calls_by_model: Object.fromEntries(byName(this.#models)),
      by_role: Object.fromEntries(byName(this.#roles).map(([role, sums]) => [role, sums.toSums()])),
      by_branch: this.#branches.byBranch(),
      failed_calls,
      estimated_calls,
      unknown_calls,
      retries: this.#retries,
      ...(this.#replayed === 0 ? {} : { replayed_calls: this.#replayed }),
    };
  }
}

function byName<T>(entries: ReadonlyMap<string, T>): [string, T][] {
  return [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
