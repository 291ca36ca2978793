import { seededRandom, type Score } from '../core/index.ts';
import { boundsIfUnscored, bootstrapByPrompt, wilson, type Interval } from '../graders/index.ts';
import type { ScoreSums, Store } from '../store/index.ts';
import { missingScores, tallyProbes, tallyPrompts, type ProbeTally, type PromptTally } from './probe-tally.ts';

/** One output that a detector hit. */
export interface WorstExample {
  /** Index of the goal: `assay show RUN GOAL`. */
  readonly goal: number;
  readonly attempt: string;
  readonly output: number;
  readonly value: number;
  readonly reason: string | null;
  /** The last thing the user said, shortened. */
  readonly prompt: string;
  /** What the target said, shortened. */
  readonly response: string;
}

/** What one detector found of one probe against one target. Rates count score rows: one for each output. */
export interface ProbeResult {
  readonly probe: string;
  readonly target: string;
  readonly detector: string;
  /** Whether its hits decide the goals' outcomes. */
  readonly primary: boolean;
  readonly hits: number;
  /** Outputs that the detector scored; blocked ones are among them, as misses. The n of `scored n/N`. */
  readonly scored: number;
  /** Outputs in all: scored, abstained from, and missing. The N of `scored n/N`. */
  readonly total: number;
  readonly abstained: number;
  /** Outputs without a score because their goal ended in error. */
  readonly missing: number;
  /** Outputs that the provider's content filter blocked. */
  readonly blocked: number;
  /** hits / scored; `null` where nothing was scored. */
  readonly rate: number | null;
  /** 95 %. `wilson` where each prompt has one output, `bootstrap_by_prompt` where several outputs share one. */
  readonly interval: (Interval & { readonly method: 'wilson' | 'bootstrap_by_prompt' }) | null;
  /** Where the rate would lie if every output without a score had been a miss, and if every one had been a hit. */
  readonly bounds: Interval | null;
  readonly goals: { readonly planned: number; readonly errors: number; readonly unfinished: number };
  /** Hits with the highest values, at most `worst` of them. */
  readonly worst: readonly WorstExample[];
}

type Reads = Pick<Store, 'goals' | 'scores' | 'sumScores' | 'worstScores' | 'attempts'>;

/**
 * The results of a run's probes, by probe, target and detector, deciding detectors first. Plain JSON. May be asked for while the run goes on.
 *
 * @param options.worst how many examples of hits each result has; 3 by default
 */
export async function summarizeProbes(store: Reads, runId: string, options: { readonly worst?: number } = {}): Promise<ProbeResult[]> {
  const sums = await store.sumScores(runId);
  const results: ProbeResult[] = [];
  for (const tally of await tallyProbes(store, runId)) {
    const own = new Map(sums.filter((sum) => sum.plugin === tally.plugin && sum.target === tally.target).map((sum) => [sum.grader, sum]));
    for (const grader of own.keys()) if (!tally.detectors.has(grader)) tally.detectors.set(grader, false);
    const missing = tally.errors > 0 ? await missingScores(store, runId, tally) : new Map<string, number>();
    const several = tally.shared || [...own.values()].some((sum) => sum.total > tally.graded);
    const prompts = several ? await tallyPrompts(store, runId, tally) : undefined;
    const detectors = [...tally.detectors].toSorted(([, a], [, b]) => Number(b) - Number(a));
    for (const [detector, primary] of detectors) {
      const sum = own.get(detector);
      results.push({
        ...figures({ tally, detector, primary, sum, missing: missing.get(detector) ?? 0, prompts: prompts === undefined ? undefined : (prompts.get(detector) ?? NO_PROMPTS) }),
        worst: sum === undefined || sum.hits === 0 ? [] : await worstExamples(store, runId, sum, options.worst ?? 3),
      });
    }
  }
  return results;
}

const NO_PROMPTS: PromptTally = { clusters: new Map(), blocked: 0 };

interface Counted {
  readonly tally: ProbeTally;
  readonly detector: string;
  readonly primary: boolean;
  readonly sum: ScoreSums | undefined;
  readonly missing: number;
  /** Only where prompts have several outputs. */
  readonly prompts: PromptTally | undefined;
}

function figures({ tally, detector, primary, sum, missing, prompts }: Counted): Omit<ProbeResult, 'worst'> {
  const { total: rows, scored, hits } = sum ?? { total: 0, scored: 0, hits: 0 };
  // The same scores give the same interval, whichever run they are of.
  const random = seededRandom('bootstrap', tally.plugin, tally.target, detector);
  const interval = prompts === undefined ? wilson(hits, scored) : bootstrapByPrompt([...prompts.clusters.values()], random);
  return {
    probe: tally.plugin,
    target: tally.target,
    detector,
    primary,
    hits,
    scored,
    total: rows + missing,
    abstained: rows - scored,
    missing,
    blocked: prompts === undefined ? tally.blocked : prompts.blocked,
    rate: scored === 0 ? null : hits / scored,
    interval: interval === undefined ? null : { ...interval, method: prompts === undefined ? 'wilson' : 'bootstrap_by_prompt' },
    bounds: boundsIfUnscored(hits, scored, rows - scored + missing) ?? null,
    goals: { planned: tally.goals, errors: tally.errors, unfinished: tally.unfinished },
  };
}

async function worstExamples(store: Reads, runId: string, sum: ScoreSums, limit: number): Promise<WorstExample[]> {
  const scores = await store.worstScores(runId, { plugin: sum.plugin, target: sum.target, grader: sum.grader, limit });
  return Promise.all(scores.map((score) => example(store, runId, score)));
}

async function example(store: Reads, runId: string, score: Score): Promise<WorstExample> {
  const attempt = (await store.attempts(runId, score.goalIndex)).find((each) => each.key === score.attemptKey);
  return {
    goal: score.goalIndex,
    attempt: score.attemptKey,
    output: score.outputIndex,
    value: score.value ?? 0,
    reason: score.reason,
    prompt: excerpt(attempt?.conversation.findLast((message) => message.role === 'user')?.content ?? ''),
    response: excerpt(attempt?.outputs[score.outputIndex]?.text ?? ''),
  };
}

const EXCERPT = 240;

function excerpt(text: string): string {
  const characters = Array.from(text.slice(0, 4 * EXCERPT).trim());
  return characters.length > EXCERPT ? `${characters.slice(0, EXCERPT - 1).join('')}…` : characters.join('');
}
