import type { Attempt, AttemptNotes, Clock, Goal, Json, StepRecord } from '../core/index.ts';
import { Tally, withScope } from '../ledger/index.ts';
import type { Limiter } from '../limiter/index.ts';
import type { Target } from '../models/index.ts';
import { CallError } from '../transport/index.ts';
import type { AttemptResult, GoalContext } from './contract.ts';
import { errorEnd, errorOutcome, markRole } from './error-outcome.ts';
import { requireJson, requireResult, requireScore } from './journal-values.ts';
import type { RunStore } from './leased-store.ts';

export interface JournalOptions {
  readonly store: Pick<RunStore, 'write' | 'attempts' | 'steps'>;
  readonly clock: Clock;
  readonly limiter: Pick<Limiter, 'statsOf'>;
  /** Opens the target of a role; `target` is the goal's own. */
  readonly targetFor: (goal: Goal, role: string) => Target;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onAttempt: (attempt: Attempt) => void;
}

/**
 * The journal of one goal: what is finished is returned from the store, the rest is done and recorded. A goal that was
 * never started has nothing to read back.
 */
export async function openJournal(goal: Goal, options: JournalOptions): Promise<GoalContext> {
  const { store, clock, signal } = options;
  const place = { runId: goal.runId, goalIndex: goal.index };
  const attempts = new Once<Attempt>();
  const steps = new Once<StepRecord>();
  if (goal.startedAt !== null) {
    for (const attempt of await store.attempts(goal.runId, goal.index)) if (attempt.status === 'finished') attempts.know(attempt.key, attempt);
    for (const step of await store.steps(goal.runId, goal.index)) steps.know(step.key, step);
  }
  const order = new Map<string, number>();

  const tryOnce = async (key: string, seq: number, fn: (scope: { readonly signal: AbortSignal }) => Promise<AttemptResult>): Promise<Attempt> => {
    const tally = new Tally();
    const startedAt = Math.round(clock.now());
    const record = async (ended: Pick<Attempt, 'status' | 'conversation' | 'outputs' | 'error'>, notes: AttemptNotes): Promise<Attempt> => {
      const finished: Attempt = {
        ...place,
        key,
        seq,
        ...ended,
        notes: { ...notes, ...callNotes(tally, options.limiter, clock) },
        startedAt,
        endedAt: Math.round(clock.now()),
      };
      await store.write({ op: 'attempt.finish', attempt: finished });
      options.onAttempt(finished);
      return finished;
    };
    try {
      const { conversation, outputs, notes } = requireResult(await withScope({ attemptKey: key }, () => fn({ signal }), tally), key);
      return await record({ status: 'finished', conversation, outputs, error: null }, notes ?? {});
    } catch (error) {
      const end = errorEnd(error);
      // What was cut short is not an attempt that failed: it is made again.
      if (!signal.aborted && (end === 'error' || end === 'cancelled')) {
        const { source, code, reason } = errorOutcome(error);
        const outputs = CallError.isInstance(error) ? error.partial : [];
        await record({ status: 'error', conversation: [], outputs, error: { source, code, message: reason } }, {});
      }
      throw error;
    }
  };

  const takeStep = async (key: string, fn: () => Promise<Json>): Promise<StepRecord> => {
    const startedAt = Math.round(clock.now());
    const value = await withScope({ phase: key }, fn);
    requireJson(value, `step ${key}`);
    const step: StepRecord = { ...place, key, name: key, value, startedAt, endedAt: Math.round(clock.now()) };
    await store.write({ op: 'step.finish', step });
    return step;
  };

  return {
    seed: options.seed,
    signal,
    target: (role = 'target') => inRole(options.targetFor(goal, role), role),
    attempt: (key, fn) => {
      const seq = order.get(key) ?? order.size;
      order.set(key, seq);
      return attempts.of(key, () => tryOnce(key, seq, fn));
    },
    step: async <T extends Json>(key: string, fn: () => Promise<T>) => (await steps.of(key, () => takeStep(key, fn))).value as T,
    score: async (...scores) => {
      for (const score of scores) requireScore(score);
      await store.write(...scores.map((score) => ({ op: 'score.put' as const, score: { ...place, ...score } })));
    },
    trace: async (entry) => {
      requireJson(entry.data, `transcript entry ${entry.key}`);
      await store.write({ op: 'entry.add', entry: { ...place, at: Math.round(clock.now()), ...entry } });
    },
  };
}

/** Makes each thing once, however often and at whatever time it is asked for. What failed may be tried again. */
class Once<T> {
  readonly #made = new Map<string, Promise<T>>();

  know(key: string, value: T): void {
    this.#made.set(key, Promise.resolve(value));
  }

  of(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const making = make();
    this.#made.set(key, making);
    making.catch(() => this.#made.delete(key));
    return making;
  }
}

/** Charges a target's calls to a role, and remembers the role with what it throws. */
function inRole(target: Target, role: string): Target {
  return {
    ...target,
    generate: (request) =>
      withScope({ role }, async () => {
        try {
          return await target.generate(request);
        } catch (error) {
          markRole(error, role);
          throw error;
        }
      }),
  };
}

function callNotes(tally: Tally, limiter: Pick<Limiter, 'statsOf'>, clock: Clock): AttemptNotes {
  const { deployment } = tally;
  if (deployment === null) return {};
  const stats = limiter.statsOf(deployment);
  // Unknown is not zero.
  const known = tally.unknownCalls < tally.calls;
  return {
    tokens: { ...(known ? tally.tokens : { prompt_tokens: null, completion_tokens: null, reasoning_tokens: null, total_tokens: null }), model: tally.model ?? 'unknown', deployment },
    rate_limiting: {
      tokens_this_attempt: known ? tally.tokens.total_tokens : null,
      cumulative_tokens: stats.cumulative_tokens,
      quota_percentage: stats.quota_percentage,
      deployment,
      waited_ms: Math.round(tally.waitedMs),
      timestamp: new Date(clock.now()).toISOString(),
    },
  };
}
