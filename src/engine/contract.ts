import type { Attempt, AttemptNotes, Goal, Json, Message, Outcome, Output, Score, SuiteKind, TranscriptEntry } from '../core/index.ts';
import type { Target } from '../models/contract.ts';

/** A goal as a suite plans it; the engine gives it its index. */
export interface GoalPlan {
  /** Hash of all that changes the answer: plugin and version, item and content, model parameters, seed. Never limits or budgets. */
  readonly key: string;
  /** e.g. `probes.encoding.base64` */
  readonly plugin: string;
  readonly target: string;
  /** For display. */
  readonly text: string;
  readonly item: number;
  readonly variant?: string;
  readonly repeat: number;
  readonly tags?: readonly string[];
  /** What `execute` needs; stored with the goal. */
  readonly data: Json;
  /** Goals with the same lane run one after another, in planned order. */
  readonly lane?: string;
  /** Model calls and tokens this goal is expected to take, for a dry run. */
  readonly expected?: { readonly calls: number; readonly promptTokens: number; readonly outputTokens: number };
}

export interface PlanContext {
  readonly seed: number;
  readonly targets: readonly string[];
  readonly signal: AbortSignal;
}

/** What one try produced. */
export interface AttemptResult {
  readonly conversation: readonly Message[];
  readonly outputs: readonly Output[];
  readonly notes?: AttemptNotes;
}

/** What a suite has at hand while it executes a goal. */
export interface GoalContext {
  readonly seed: number;
  /** Aborts on the second Ctrl-C, on a budget's end, and when the run fails. */
  readonly signal: AbortSignal;
  /** The goal's own target, or another role's. */
  target(role?: string): Target;
  /**
   * One journalled try. A key that is finished returns what is stored and `fn` is not called.
   * Calls made inside are charged to it. An error is recorded with the attempt, then thrown on.
   */
  attempt(key: string, fn: (scope: { readonly signal: AbortSignal }) => Promise<AttemptResult>): Promise<Attempt>;
  /** One journalled step: a key that is finished returns its stored value. The value must be JSON. */
  step<T extends Json>(key: string, fn: () => Promise<T>): Promise<T>;
  score(...scores: readonly Omit<Score, 'runId' | 'goalIndex'>[]): Promise<void>;
  /** The entry's key makes it unique within the goal, so a repeated write keeps one. */
  trace(entry: Omit<TranscriptEntry, 'runId' | 'goalIndex' | 'at'>): Promise<void>;
}

/** A family of things to try. `plan` may be endless or adaptive; `execute` gets one goal to one outcome. */
export interface Suite {
  readonly kind: SuiteKind;
  /** Yields the same goals in the same order whenever the same configuration is planned. */
  plan(ctx: PlanContext): AsyncIterable<GoalPlan>;
  /** Anything thrown ends the goal as `error`, never as a verdict. */
  execute(goal: Goal, ctx: GoalContext): Promise<Outcome>;
}
