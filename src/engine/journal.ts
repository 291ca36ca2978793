import type { Attempt, AttemptNotes, Clock, Goal, Json, StepRecord } from '../core/index.ts';
import { Tally, withScope } from '../ledger/index.ts';
import type { Limiter } from '../limiter/index.ts';
import type { Target } from '../models/index.ts';
import type { Store } from '../store/index.ts';
import { CallError } from '../transport/index.ts';
import type { AttemptResult, GoalContext } from './contract.ts';
import { errorEnd, errorOutcome, markRole } from './error-outcome.ts';

export interface JournalOptions {
  readonly store: Store;
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
  const resumed = goal.startedAt !== null;
  const attempts = new Map<string, Attempt>();
  const steps = new Map<string, StepRecord>();
  if (resumed) {
    for (const attempt of await store.attempts(goal.runId, goal.index)) if (attempt.status === 'finished') attempts.set(attempt.key, attempt);
    for (const step of await store.steps(goal.runId, goal.index)) steps.set(step.key, step);
  }
  let seq = 0;

  const attempt = async (key: string, fn: (scope: { readonly signal: AbortSignal }) => Promise<AttemptResult>): Promise<Attempt> => {
    const place = seq++;
    const stored = attempts.get(key);
    if (stored !== undefined) return stored;
    const tally = new Tally();
    const startedAt = Math.round(clock.now());
    const record = async (ended: Pick<Attempt, 'status' | 'conversation' | 'outputs' | 'error'>, notes: AttemptNotes): Promise<Attempt> => {
      const finished: Attempt = {
        runId: goal.runId,
        goalIndex: goal.index,
        key,
        seq: place,
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
      const { conversation, outputs, notes } = await withScope({ attemptKey: key }, () => fn({ signal }), tally);
      return await record({ status: 'finished', conversation, outputs, error: null }, notes ?? {});
    } catch (error) {
      if (errorEnd(error) === 'error') {
        const { source, code, reason } = errorOutcome(error);
        const outputs = CallError.isInstance(error) ? error.partial : [];
        await record({ status: 'error', conversation: [], outputs, error: { source, code, message: reason } }, {});
      }
      throw error;
    }
  };

  const step = async <T extends Json>(key: string, fn: () => Promise<T>): Promise<T> => {
    const stored = steps.get(key);
    if (stored !== undefined) return stored.value as T;
    const startedAt = Math.round(clock.now());
    const value = await withScope({ phase: key }, fn);
    await store.write({ op: 'step.finish', step: { runId: goal.runId, goalIndex: goal.index, key, name: key, value, startedAt, endedAt: Math.round(clock.now()) } });
    return value;
  };

  return {
    seed: options.seed,
    signal,
    target: (role = 'target') => inRole(options.targetFor(goal, role), role),
    attempt,
    step,
    score: (...scores) => store.write(...scores.map((score) => ({ op: 'score.put' as const, score: { runId: goal.runId, goalIndex: goal.index, ...score } }))),
    trace: (entry) => store.write({ op: 'entry.add', entry: { runId: goal.runId, goalIndex: goal.index, at: Math.round(clock.now()), ...entry } }),
  };
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
  return {
    tokens: { ...tally.tokens, model: tally.model ?? 'unknown', deployment },
    rate_limiting: {
      tokens_this_attempt: tally.tokens.total_tokens,
      cumulative_tokens: stats.cumulative_tokens,
      quota_percentage: stats.quota_percentage,
      deployment,
      waited_ms: Math.round(tally.waitedMs),
      timestamp: new Date(clock.now()).toISOString(),
    },
  };
}
