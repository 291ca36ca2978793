import type {
  Attempt,
  CallIntent,
  CallRecord,
  CallSettlement,
  Goal,
  JsonObject,
  Lease,
  LeaseHolder,
  Outcome,
  Run,
  RunEvent,
  RunStatus,
  Score,
  StepRecord,
  TranscriptEntry,
} from '../core/index.ts';

/** A goal as planned: no outcome yet. */
export type PlannedGoal = Omit<Goal, 'outcome' | 'startedAt' | 'endedAt'>;

/** One write. Every one is idempotent: the same write twice leaves one row. */
export type WriteOp =
  | { readonly op: 'run.insert'; readonly run: Run }
  | {
      readonly op: 'run.update';
      readonly id: string;
      readonly patch: Partial<Pick<Run, 'status' | 'reason' | 'planned' | 'resumes' | 'startedAt' | 'endedAt' | 'config' | 'simulated' | 'engagement'>>;
    }
  | { readonly op: 'goal.plan'; readonly goal: PlannedGoal }
  | { readonly op: 'goal.start'; readonly runId: string; readonly index: number; readonly at: number }
  /** Takes effect only where the goal has no outcome, or one that may be superseded. Keeps every accepted outcome in the history. */
  | { readonly op: 'goal.finalize'; readonly runId: string; readonly index: number; readonly outcome: Outcome; readonly at: number }
  /** Takes effect only where no attempt with this key is there, or it ended in error. */
  | { readonly op: 'attempt.finish'; readonly attempt: Attempt }
  | { readonly op: 'call.open'; readonly intent: CallIntent }
  /** Takes effect only while the call is in flight. */
  | { readonly op: 'call.settle'; readonly settlement: CallSettlement }
  /** Where a branch left its trunk. The earliest one of a (run, goal, trial, branch) stays; those around it are entered with it. */
  | { readonly op: 'fork.add'; readonly fork: ForkRecord }
  /** An answer kept for replay. The first one of a (run, key, occurrence) stays. */
  | { readonly op: 'answer.put'; readonly answer: StoredAnswer }
  | { readonly op: 'step.finish'; readonly step: StepRecord }
  | { readonly op: 'entry.add'; readonly entry: TranscriptEntry }
  | { readonly op: 'score.put'; readonly score: Score }
  /** `seq` is given at commit. */
  | { readonly op: 'event.add'; readonly event: Omit<RunEvent, 'seq'> };

/** The ops of calls. They may be done in any order but for a call's own: opened, then settled. */
export type CallOp = Extract<WriteOp, { readonly op: 'call.open' | 'call.settle' | 'fork.add' }>;

/** Where a branch left its trunk: calls whose ids sort before `id` are pre-fork. */
export interface ForkRecord {
  readonly runId: string | null;
  readonly goalIndex: number | null;
  readonly trial: string | null;
  readonly branch: string;
  readonly id: string;
}

/** Which answer it is: the nth one of this run to the same request in the same scope. */
export interface AnswerKey {
  readonly runId: string;
  /** Hash of the scope and of all of the request that decides its answer. */
  readonly key: string;
  readonly occurrence: number;
}

/** An answer as it came, kept so that a run that starts again need not ask twice. */
export interface StoredAnswer extends AnswerKey {
  readonly callId: string;
  readonly httpStatus: number;
  /** Headers worth repeating, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decoded text, a stream's events included. */
  readonly body: string;
  readonly at: number;
}

/** How goals of a run stand. */
export interface GoalCounts {
  readonly planned: number;
  /** By outcome kind; goals without an outcome are under `open`. Blocked verdicts are also counted under `blocked`. */
  readonly byOutcome: Readonly<Record<string, number>>;
}

/** Sums over ledger rows, for one group. */
export interface CallSums {
  /** By fate; `total` is of physical calls, in flight or ended: what was replayed is not in it. */
  readonly calls: Readonly<Record<CallSettlement['status'] | 'in_flight' | 'total', number>>;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  /** `null` while no call of the group reported any. */
  readonly reasoning_tokens: number | null;
  readonly total_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  /** Calls whose usage was estimated. */
  readonly estimated: number;
  /** Ended calls whose usage is unknown. */
  readonly unknown_calls: number;
  /** Tokens reserved for calls that may have been served and whose use nobody knows: what a budget must reckon with. */
  readonly unknown_reserved_tokens: number;
  /** Sum of the known costs. */
  readonly cost_usd: number;
  /** Calls with tokens but no price. */
  readonly unpriced: number;
  /** Calls that a simulator answered. */
  readonly simulated: number;
  /** Calls that were retries (retry > 0). */
  readonly retries: number;
  readonly waited_ms: number;
}

export type CallGrouping = 'all' | 'model' | 'role' | 'deployment' | 'plugin' | 'branch' | 'status' | 'goal' | 'trial' | 'phase' | 'variant';

/** Sums of one branch of one trial, both ways of attributing: on its own, and what led to it. */
export interface BranchSums {
  readonly runId: string | null;
  readonly goalIndex: number | null;
  readonly trial: string | null;
  /** `null` for the trunk. */
  readonly branch: string | null;
  /** Calls made in the branch itself. */
  readonly own: CallSums;
  /** With the calls of the branches inside it. */
  readonly inclusive: CallSums;
  /** Calls of its trunk, and of the trunks of that, from before it forked; `null` where it was not entered when it did. */
  readonly preFork: CallSums | null;
}

export interface CallFilter {
  readonly runId?: string | null;
  readonly goalIndex?: number;
  readonly attemptKey?: string;
  readonly trial?: string;
}

export interface ScoreSums {
  readonly plugin: string;
  readonly target: string;
  readonly grader: string;
  /** Score rows, abstentions included. */
  readonly total: number;
  readonly scored: number;
  readonly hits: number;
}

export interface PurgeOptions {
  readonly runIds: readonly string[];
  /** Also deletes ended calls of no run that were sent before this time, in ms since the epoch. */
  readonly unattributedBefore?: number;
}

export interface Store {
  /** For people, e.g. `sqlite:.assay/assay.db`; never holds a password. */
  readonly location: string;
  /** A file next to the store for what processes that share it need to agree on, or `undefined` where it is not on disk. */
  readonly sharedStatePath: string | undefined;

  /**
   * Writes all of `ops` or none, in order, after every earlier `write`. Concurrent writes share commits.
   * Resolves once committed.
   *
   * @throws StoreError with code `store_full`, `store_readonly`, `store_locked` or `store`
   */
  write(...ops: readonly WriteOp[]): Promise<void>;

  /**
   * As `write`, for the ops of calls, at a tenth of its price: resolves once the ops will outlive the process, whatever becomes of it, and commits
   * them within a fraction of a second. They are handed over before this returns. Until they are committed they stand, secrets taken out, in a
   * redo log beside the store, from which whoever opens the store next enters them where this process dies first.
   *
   * This store's own reads see them, and what it writes later is never committed before them; only a later write may be in the tables without
   * them where a commit failed in between, until the next try. Where there is no log (a store in memory or with `durability: full`, a full
   * disk, a folder that cannot be written) it is `write`.
   *
   * @throws StoreError as `write` does
   */
  writeSoon(...ops: readonly CallOp[]): Promise<void>;
  /**
   * Enters what `writeSoon` acknowledged in processes and threads that died before it was committed. Opening a store, reading calls, marking
   * them lost and purging do so first by themselves.
   */
  recover(): Promise<void>;

  getRun(id: string): Promise<Run | undefined>;
  /** Finds a run by id, by a unique part of it, or `last`. */
  findRun(reference: string): Promise<Run>;
  /** Newest first. */
  listRuns(options?: { readonly limit?: number; readonly status?: RunStatus }): Promise<Run[]>;

  /** Goals by index from `from`, at most `limit`. `outcomes` are outcome kinds, or `open` for goals without one. */
  goals(runId: string, options: { readonly from: number; readonly limit: number; readonly outcomes?: readonly string[]; readonly plugin?: string }): Promise<Goal[]>;
  goal(runId: string, index: number): Promise<Goal | undefined>;
  goalHistory(runId: string, index: number): Promise<{ readonly outcome: Outcome; readonly at: number }[]>;
  countGoals(runId: string): Promise<GoalCounts>;

  /** In order of `seq`. */
  attempts(runId: string, goalIndex: number): Promise<Attempt[]>;
  countAttempts(runId: string): Promise<{ readonly finished: number; readonly errors: number }>;
  steps(runId: string, goalIndex: number): Promise<StepRecord[]>;
  transcript(runId: string, goalIndex: number): Promise<TranscriptEntry[]>;
  scores(runId: string, goalIndex: number): Promise<Score[]>;
  /** Per plugin × target × grader, over score rows. */
  sumScores(runId: string): Promise<ScoreSums[]>;
  /** The highest-scoring hits first. */
  worstScores(runId: string, options: { readonly plugin: string; readonly target: string; readonly grader: string; readonly limit: number }): Promise<Score[]>;

  /** In order of sending, oldest first, after the id `after`. */
  calls(filter: CallFilter, options?: { readonly limit?: number; readonly after?: string }): Promise<CallRecord[]>;
  /** Group name → sums. A missing name (no model, no role, no goal) is `unattributed`. */
  sumCalls(filter: CallFilter, by: CallGrouping): Promise<Map<string, CallSums>>;
  /** Per branch of each goal and trial, trunks included, in order; however many there are, they take two queries. */
  sumBranches(filter: CallFilter): Promise<BranchSums[]>;
  /** How many answers of a run are kept, by key. */
  answerCounts(runId: string): Promise<Map<string, number>>;
  answer(key: AnswerKey): Promise<StoredAnswer | undefined>;
  /**
   * Marks calls in flight as lost whose process is gone, whatever they belong to. `isAlive` is asked once per process that has calls
   * in flight; returns how many calls were marked.
   */
  markLostOfDead(isAlive: (holder: LeaseHolder) => boolean, at: number): Promise<number>;
  /**
   * Commits what waits to be written before it returns, for the last moment of a process. Only where the store can: `false` where
   * it cannot.
   */
  flushNow(): boolean;
  /** Marks calls of the run that are still in flight as lost; returns how many. A settlement that comes later is refused. */
  markLost(runId: string, at: number): Promise<number>;
  /**
   * Ends a run that is `running` while no live lease protects it: `interrupted`, its calls in flight lost, an event
   * `run.interrupted` added, all at once. Returns whether it was so; of several processes that try, one gets `true`.
   * An engine therefore takes the lease before it sets a run to `running`.
   */
  interruptOrphan(runId: string, at: number, reason: string): Promise<boolean>;
  /** What a deployment was sent since a time, oldest first, for the limiter's replay. */
  callsSince(deployment: string, since: number): Promise<{ readonly at: number; readonly tokens: number }[]>;
  /** Tokens a deployment's calls used since a time; what was reserved stands in where the use is unknown. */
  tokensSince(deployment: string, since: number): Promise<number>;

  /** Events after `seq`, oldest first. */
  events(options: { readonly runId?: string; readonly after: number; readonly limit: number }): Promise<RunEvent[]>;

  /** Takes the lease if it is free, expired, or the same holder's. Returns the lease that is in force. */
  acquireLease(runId: string, holder: LeaseHolder, now: number, ttlMs: number): Promise<Lease>;
  renewLease(runId: string, holder: LeaseHolder, now: number, ttlMs: number): Promise<boolean>;
  releaseLease(runId: string, holder: LeaseHolder): Promise<void>;
  /** Takes a lease from a holder known to be dead. */
  breakLease(runId: string, deadHolderId: string): Promise<void>;
  getLease(runId: string): Promise<Lease | undefined>;

  /** Deletes runs and all that belongs to them, then returns the space to the file system. */
  purge(options: PurgeOptions): Promise<{ readonly runs: number; readonly calls: number }>;

  /** Small durable values by name, e.g. a limiter's quota position. `update` is atomic across processes. */
  getValue(name: string): Promise<JsonObject | undefined>;
  updateValue(name: string, update: (current: JsonObject | undefined) => JsonObject): Promise<JsonObject>;

  /** Waits for pending writes, then closes. Further writes are refused. */
  close(): Promise<void>;
}
