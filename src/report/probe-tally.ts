import { isObject, type Goal, type Score } from '../core/index.ts';
import { BLOCKED_REASON, type Cluster } from '../graders/index.ts';
import type { Store } from '../store/index.ts';

/** How the goals of one probe against one target stand. */
export interface ProbeTally {
  readonly plugin: string;
  readonly target: string;
  /** Goals so far planned. */
  goals: number;
  /** Goals that ended in a verdict or undetermined: all of their outputs were graded. */
  graded: number;
  /** Goals whose every output was blocked. */
  blocked: number;
  errors: number;
  /** Goals not begun, cancelled, interrupted or skipped. */
  unfinished: number;
  /** Whether a prompt has more than one output by plan. */
  shared: boolean;
  /** Detectors in order; true for those that decide. */
  readonly detectors: Map<string, boolean>;
}

/** Outputs by prompt, for one detector. */
export interface PromptTally {
  readonly clusters: Map<number, Cluster>;
  blocked: number;
}

const PAGE = 500;

/** Goes through all goals of probes once, in order, keeping sums only. */
export async function tallyProbes(store: Pick<Store, 'goals'>, runId: string): Promise<ProbeTally[]> {
  const tallies = new Map<string, ProbeTally>();
  for await (const goal of goalsOf(store, runId, {})) {
    if (goal.suite !== 'probes') continue;
    const name = JSON.stringify([goal.plugin, goal.target]);
    const tally = tallies.get(name) ?? { plugin: goal.plugin, target: goal.target, goals: 0, graded: 0, blocked: 0, errors: 0, unfinished: 0, shared: false, detectors: new Map() };
    tallies.set(name, tally);
    tally.goals++;
    const { detectors, deciding, generations } = planOf(goal);
    for (const [place, detector] of detectors.entries()) tally.detectors.set(detector, tally.detectors.get(detector) === true || place < deciding);
    if (generations > 1 || goal.repeat > 0) tally.shared = true;
    switch (goal.outcome?.kind) {
      case 'attack_succeeded':
      case 'attack_failed':
      case 'passed':
      case 'failed':
        tally.graded++;
        if (goal.outcome.blocked === true) tally.blocked++;
        break;
      case 'undetermined':
        tally.graded++;
        break;
      case 'error':
        tally.errors++;
        break;
      case 'skipped':
      case 'cancelled':
      case 'interrupted':
      case undefined:
        tally.unfinished++;
        break;
    }
  }
  return [...tallies.values()];
}

/** Scores that the goals of a probe which ended in error lack, by detector: outputs asked for less outputs scored, at least. */
export async function missingScores(store: Pick<Store, 'goals' | 'scores'>, runId: string, { plugin, target }: Pick<ProbeTally, 'plugin' | 'target'>): Promise<Map<string, number>> {
  const missing = new Map<string, number>();
  for await (const goal of goalsOf(store, runId, { plugin, outcomes: ['error'] })) {
    if (goal.target !== target) continue;
    const { detectors, generations } = planOf(goal);
    const scores = await store.scores(runId, goal.index);
    for (const detector of detectors) {
      const there = scores.filter((score) => score.grader === detector).length;
      missing.set(detector, (missing.get(detector) ?? 0) + Math.max(0, generations - there));
    }
  }
  return missing;
}

/** Scores by prompt, for a probe whose prompts have several outputs. Reads every goal's scores. */
export async function tallyPrompts(store: Pick<Store, 'goals' | 'scores'>, runId: string, { plugin, target }: Pick<ProbeTally, 'plugin' | 'target'>): Promise<Map<string, PromptTally>> {
  const byDetector = new Map<string, PromptTally>();
  for await (const goal of goalsOf(store, runId, { plugin })) {
    if (goal.target !== target) continue;
    for (const score of await store.scores(runId, goal.index)) {
      const tally = byDetector.get(score.grader) ?? { clusters: new Map(), blocked: 0 };
      byDetector.set(score.grader, tally);
      if (score.reason === BLOCKED_REASON) tally.blocked++;
      const { hits, scored } = tally.clusters.get(goal.item) ?? { hits: 0, scored: 0 };
      tally.clusters.set(goal.item, { hits: hits + (isHit(score) ? 1 : 0), scored: scored + (score.value === null ? 0 : 1) });
    }
  }
  return byDetector;
}

function isHit({ value, threshold }: Score): boolean {
  return value !== null && value >= threshold;
}

async function* goalsOf(store: Pick<Store, 'goals'>, runId: string, filter: { readonly plugin?: string; readonly outcomes?: readonly string[] }): AsyncGenerator<Goal> {
  for (let from = 0; ; ) {
    const page = await store.goals(runId, { from, limit: PAGE, ...filter });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    from = last.index + 1;
  }
}

/** What a probe's goal says of its grading. */
function planOf(goal: Goal): { readonly detectors: readonly string[]; readonly deciding: number; readonly generations: number } {
  const data: Record<string, unknown> = isObject(goal.data) ? goal.data : {};
  const { detectors, deciding, generations } = data;
  return {
    detectors: Array.isArray(detectors) ? detectors.filter((name) => typeof name === 'string') : [],
    deciding: typeof deciding === 'number' ? deciding : 1,
    generations: typeof generations === 'number' ? generations : 1,
  };
}
