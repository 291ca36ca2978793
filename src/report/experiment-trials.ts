import { isObject, REPLAYED, totals, type Attempt, type CallRecord, type Goal, type OutcomeKind } from '../core/index.ts';
import type { Store } from '../store/index.ts';

/** Sums over calls. */
export interface CallFigures {
  calls: number;
  /** Neither answered nor blocked. */
  failed: number;
  promptTokens: number;
  completionTokens: number;
  costUsd: number;
  /** Calls with tokens whose price is not known. */
  unpriced: number;
  /** Ended calls whose usage is not known: left out of the sums. */
  unknown: number;
  estimated: number;
  /** Answered from the store: no calls. */
  replayed: number;
  waitedMs: number;
}

/** One trial: how it ended, what it scored, what it used. */
export interface Trial {
  readonly goal: number;
  readonly plugin: string;
  readonly target: string;
  readonly variant: string | null;
  /** Trials of different variants that share it were given the same. */
  readonly pairing: string;
  readonly outcome: OutcomeKind | 'open';
  /** By name; `null` where it abstained. */
  readonly scores: ReadonlyMap<string, number | null>;
  /** Figures among its notes. */
  readonly measures: ReadonlyMap<string, number>;
  /** What the try that counts used, in all and by role. */
  readonly used: CallFigures;
  readonly byRole: ReadonlyMap<string, CallFigures>;
  /** Of roles whose calls a library makes on its own account. */
  readonly hiddenCalls: number;
  /** Calls of tries that broke off and were made again. */
  readonly wasted: CallFigures;
}

export type TrialReads = Pick<Store, 'getRun' | 'goals' | 'attempts' | 'scores' | 'steps' | 'calls'>;

const GOALS_A_PAGE = 500;
const CALLS_A_PAGE = 2_000;
const NO_ROLE = 'unattributed';

/** Every trial of a run, in planned order. Reads each of its calls once. */
export async function readTrials(store: TrialReads, runId: string): Promise<Trial[]> {
  const trials = new Map<number, Draft>();
  const run = await store.getRun(runId);
  if (run?.suites.some((spec) => spec.startsWith('experiments')) !== true) return [];
  const mayBeRedone = run.resumes > 0;
  for (let from = 0; ; ) {
    const page = await store.goals(runId, { from, limit: GOALS_A_PAGE });
    for (const goal of page) if (goal.suite === 'experiments') trials.set(goal.index, await draftOf(store, goal, mayBeRedone));
    const last = page.at(-1);
    if (last === undefined || page.length < GOALS_A_PAGE) break;
    from = last.index + 1;
  }
  if (trials.size === 0) return [];
  for (let after: string | undefined; ; ) {
    const page: CallRecord[] = await store.calls({ runId }, { limit: CALLS_A_PAGE, ...(after === undefined ? {} : { after }) });
    for (const call of page) {
      const { goalIndex } = call.intent.scope;
      if (goalIndex !== undefined) trials.get(goalIndex)?.add(call);
    }
    after = page.at(-1)?.intent.id;
    if (after === undefined || page.length < CALLS_A_PAGE) break;
  }
  return [...trials.values()];
}

export function noCalls(): CallFigures {
  return { calls: 0, failed: 0, promptTokens: 0, completionTokens: 0, costUsd: 0, unpriced: 0, unknown: 0, estimated: 0, replayed: 0, waitedMs: 0 };
}

export function addFigures(sum: CallFigures, more: CallFigures): void {
  for (const [name, value] of Object.entries(more) as [keyof CallFigures, number][]) sum[name] += value;
}

async function draftOf(store: TrialReads, goal: Goal, mayBeRedone: boolean): Promise<Draft> {
  if (goal.startedAt === null) return new Draft(goal, { attempt: undefined, scores: new Map(), steps: [] });
  const [attempts, scores, steps] = await Promise.all([store.attempts(goal.runId, goal.index), store.scores(goal.runId, goal.index), mayBeRedone ? store.steps(goal.runId, goal.index) : []]);
  return new Draft(goal, {
    attempt: attempts.findLast((attempt) => attempt.status === 'finished') ?? attempts.at(-1),
    scores: new Map(scores.map((score) => [score.grader, score.value])),
    steps,
  });
}

class Draft implements Trial {
  readonly goal: number;
  readonly plugin: string;
  readonly target: string;
  readonly variant: string | null;
  readonly pairing: string;
  readonly outcome: Trial['outcome'];
  readonly scores: ReadonlyMap<string, number | null>;
  readonly measures: ReadonlyMap<string, number>;
  readonly used = noCalls();
  readonly byRole = new Map<string, CallFigures>();
  readonly wasted = noCalls();
  hiddenCalls = 0;
  readonly #hiddenRoles: ReadonlySet<string>;
  readonly #startedAt: number | undefined;
  readonly #steps: readonly { readonly startedAt: number; readonly endedAt: number }[];

  constructor(
    goal: Goal,
    { attempt, scores, steps }: { readonly attempt: Attempt | undefined; readonly scores: ReadonlyMap<string, number | null>; readonly steps: readonly { readonly startedAt: number; readonly endedAt: number }[] },
  ) {
    this.goal = goal.index;
    this.plugin = goal.plugin;
    this.target = goal.target;
    this.variant = goal.variant;
    this.pairing = `${goal.item} ${goal.repeat}`;
    this.outcome = goal.outcome?.kind ?? 'open';
    this.scores = scores;
    this.measures = new Map(Object.entries(isObject(attempt?.notes['notes']) ? attempt.notes['notes'] : {}).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
    const hidden = isObject(goal.data) ? goal.data['hiddenRoles'] : undefined;
    this.#hiddenRoles = new Set(Array.isArray(hidden) ? (hidden as string[]) : []);
    this.#startedAt = attempt?.startedAt;
    this.#steps = steps;
  }

  add(call: CallRecord): void {
    const figures = figuresOf(call);
    if (!this.#counts(call)) return addFigures(this.wasted, figures);
    const role = call.intent.scope.role ?? NO_ROLE;
    const ofRole = this.byRole.get(role) ?? noCalls();
    this.byRole.set(role, ofRole);
    addFigures(this.used, figures);
    addFigures(ofRole, figures);
    if (this.#hiddenRoles.has(role)) this.hiddenCalls += figures.calls;
  }

  /** A try that broke off was made again, save for its steps that were finished: what those used is the trial's. */
  #counts({ intent }: CallRecord): boolean {
    if (this.#startedAt === undefined || intent.queuedAt >= this.#startedAt) return true;
    return this.#steps.some((step) => step.startedAt <= intent.queuedAt && intent.queuedAt <= step.endedAt);
  }
}

function figuresOf({ intent, settlement }: CallRecord): CallFigures {
  const figures = noCalls();
  if (settlement?.status === REPLAYED) {
    figures.replayed = 1;
    return figures;
  }
  figures.calls = 1;
  figures.waitedMs = intent.waitedMs;
  if (settlement === null) return figures;
  if (settlement.status !== 'ok' && settlement.status !== 'blocked') figures.failed = 1;
  const sums = totals(settlement.usage);
  if (sums === undefined) figures.unknown = 1;
  else {
    figures.promptTokens = sums.prompt_tokens;
    figures.completionTokens = sums.completion_tokens;
    if (settlement.costUsd === null) figures.unpriced = 1;
  }
  if (settlement.usage.source === 'estimated') figures.estimated = 1;
  figures.costUsd = settlement.costUsd ?? 0;
  return figures;
}
