import { isVerdict, REPLAYED, totals, type Attempt, type CallIntent, type CallSettlement, type Outcome } from '../core/index.ts';

/** How a run stands, over all its resumes. */
export interface RunProgress {
  readonly planned: number | null;
  readonly finished: number;
  readonly verdicts: number;
  readonly errors: number;
  readonly inFlight: number;
  readonly attempts: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Known cost so far, in US dollars. */
  readonly costUsd: number;
  /** Calls whose cost is not known; throttled ones are taken to be free. */
  readonly unpriced: number;
  readonly calls: number;
  readonly retries: number;
  readonly waitedMs: number;
}

/** Counts in this process what the store counts for good, so that a view need not ask the store each second. */
export class ProgressCounter {
  #state: { -readonly [K in keyof RunProgress]: RunProgress[K] };

  constructor(start: Partial<RunProgress> = {}) {
    this.#state = {
      planned: null,
      finished: 0,
      verdicts: 0,
      errors: 0,
      inFlight: 0,
      attempts: 0,
      promptTokens: 0,
      completionTokens: 0,
      costUsd: 0,
      unpriced: 0,
      calls: 0,
      retries: 0,
      waitedMs: 0,
      ...start,
    };
  }

  snapshot(): RunProgress {
    return { ...this.#state };
  }

  plannedNow(planned: number | null): void {
    this.#state.planned = planned;
  }

  goalStarted(previous: Outcome | null): void {
    this.#state.inFlight++;
    if (previous !== null) this.#count(previous, -1);
  }

  goalEnded(outcome: Outcome | null): void {
    this.#state.inFlight--;
    if (outcome !== null) this.#count(outcome, 1);
  }

  attemptEnded(_attempt: Attempt): void {
    this.#state.attempts++;
  }

  callSettled(intent: CallIntent, settlement: CallSettlement): void {
    // Nothing was sent, and nothing used.
    if (settlement.status === REPLAYED) return;
    const state = this.#state;
    state.calls++;
    if (intent.retry > 0) state.retries++;
    state.waitedMs += intent.waitedMs;
    const sums = totals(settlement.usage);
    state.promptTokens += sums?.prompt_tokens ?? 0;
    state.completionTokens += sums?.completion_tokens ?? 0;
    if (settlement.costUsd !== null) state.costUsd += settlement.costUsd;
    else if (sums !== undefined || settlement.status !== 'rate_limited') state.unpriced++;
  }

  #count(outcome: Outcome, sign: 1 | -1): void {
    // A resume takes these up again: they are not done.
    if (outcome.kind === 'interrupted' || outcome.kind === 'cancelled') return;
    this.#state.finished += sign;
    if (isVerdict(outcome.kind)) this.#state.verdicts += sign;
    if (outcome.kind === 'error') this.#state.errors += sign;
  }
}
