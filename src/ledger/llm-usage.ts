import { addTotals, totals, ZERO_TOTALS, type CallSettlement, type TokenTotals } from '../core/index.ts';

/** Sums over ended physical calls. `total_tokens` is prompt + completion; reasoning is inside the completion. */
export interface UsageSums {
  readonly calls: number;
  /** Neither answered nor blocked. */
  readonly failed_calls: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  /** `null` while no call reported any. */
  readonly reasoning_tokens: number | null;
  readonly total_tokens: number;
  /** Calls whose usage nobody knows: they are missing in the tokens. */
  readonly unknown_calls: number;
  /** Calls whose usage was estimated: they are in the tokens. */
  readonly estimated_calls: number;
}

/** Both ways of attributing a branch. What led to it is `own + pre_fork`. */
export interface BranchUsage {
  /** Of the branch itself. */
  readonly own: UsageSums;
  /** With the branches inside it. */
  readonly inclusive: UsageSums;
  /** Of its trunk, and of the trunks of that, from before it forked. `null` where it is not known when it did. */
  readonly pre_fork: UsageSums | null;
}

/** The `llm_usage` block of an experiment's log. */
export interface LlmUsage {
  /** Physical calls, whatever their fate; retries are calls too. */
  readonly total_calls: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly reasoning_tokens: number | null;
  readonly total_tokens: number;
  /** By the model that answered, or was asked where none answered. */
  readonly calls_by_model: Readonly<Record<string, number>>;
  /** Calls without a role are under `unattributed`. */
  readonly by_role: Readonly<Record<string, UsageSums>>;
  /** By the path of the branch within its trial; `(trunk)` where there is none. */
  readonly by_branch: Readonly<Record<string, BranchUsage>>;
  readonly failed_calls: number;
  readonly estimated_calls: number;
  readonly unknown_calls: number;
  /** Calls that were retries of another. */
  readonly retries: number;
  /** Requests answered from the store: they are no physical calls and used nothing. Only where there were any. */
  readonly replayed_calls?: number;
}

export const UNATTRIBUTED = 'unattributed';
export const TRUNK = '(trunk)';

/** What one ended call adds to every sum it is in. */
export interface CallShare {
  readonly failed: boolean;
  readonly estimated: boolean;
  /** `undefined` where nobody knows. */
  readonly tokens: TokenTotals | undefined;
}

export function shareOf({ status, usage }: CallSettlement): CallShare {
  return { failed: status !== 'ok' && status !== 'blocked', estimated: usage.source === 'estimated', tokens: totals(usage) };
}

/** A sum that grows. */
export class RunningSums {
  #tokens: TokenTotals = ZERO_TOTALS;
  #calls = 0;
  #failed = 0;
  #unknown = 0;
  #estimated = 0;

  addCall({ failed, estimated, tokens }: CallShare): void {
    this.#calls++;
    if (failed) this.#failed++;
    if (estimated) this.#estimated++;
    if (tokens === undefined) this.#unknown++;
    else this.#tokens = addTotals(this.#tokens, tokens);
  }

  add(other: RunningSums): this {
    this.#calls += other.#calls;
    this.#failed += other.#failed;
    this.#unknown += other.#unknown;
    this.#estimated += other.#estimated;
    this.#tokens = addTotals(this.#tokens, other.#tokens);
    return this;
  }

  toSums(): UsageSums {
    return { calls: this.#calls, failed_calls: this.#failed, ...this.#tokens, unknown_calls: this.#unknown, estimated_calls: this.#estimated };
  }
}
