import { seededRandom } from '../core/index.ts';
import { comparePaired, compareUnpaired, holm, type Difference, type Interval } from '../graders/index.ts';
import type { Trial } from './experiment-trials.ts';
import { CALL_METRICS, ended, scoreNames } from './experiment-variant.ts';

/** Trials of one variant against one target. */
export interface ArmName {
  readonly variant: string | null;
  readonly target: string;
}

/** How two variants (or one variant against two targets) differ in one thing. */
export interface VariantComparison {
  readonly a: ArmName;
  readonly b: ArmName;
  /** `score`, another score as `score:NAME`, `passed`, `calls`, `total_tokens` or `cost_usd`. */
  readonly metric: string;
  /** Mean of a less mean of b. */
  readonly difference: number;
  /** 95 %. */
  readonly interval: Interval | null;
  /** Two-sided, of a permutation test. */
  readonly p: number;
  /** Corrected after Holm for all comparisons of the experiment. */
  readonly p_holm: number;
  /** `paired`: trials of the same seed are compared with each other, the others are left out. `unpaired`: there are no such pairs. */
  readonly method: 'paired' | 'unpaired';
  readonly test: 'exact' | 'sampled';
  /** Pairs that were compared; of an unpaired comparison the trials of both together. */
  readonly n: number;
  /** Trials with a value that have no partner. */
  readonly unpaired: number;
}

interface Metric {
  readonly name: string;
  readonly of: (trial: Trial) => number | undefined;
  /** Within 0 and 1. */
  readonly rate: boolean;
}

/**
 * Compares arms of one experiment with each other, two and two that differ in their variant alone or in their target alone. Trials in error have no
 * values: they take no part.
 */
export function compareArms(arms: readonly (readonly Trial[])[]): VariantComparison[] {
  const open: Omit<VariantComparison, 'p_holm'>[] = [];
  const metrics = metricsOf(arms.flat());
  for (const [place, a] of arms.entries()) {
    for (const b of arms.slice(place + 1)) {
      const [ofA, ofB] = [nameOf(a), nameOf(b)];
      if (ofA.variant !== ofB.variant && ofA.target !== ofB.target) continue;
      for (const metric of metrics) {
        const compared = compare(a, b, metric);
        if (compared !== undefined) open.push({ a: ofA, b: ofB, metric: metric.name, ...compared });
      }
    }
  }
  const corrected = holm(open.map(({ p }) => p));
  return open.map((comparison, place) => ({ ...comparison, p_holm: corrected[place]! }));
}

/** Whether trials pass follows from the main score, so it is compared by itself only where there is none. */
function metricsOf(trials: readonly Trial[]): Metric[] {
  const names = scoreNames(trials);
  const within = (name: string): boolean => trials.every(({ scores }) => inRange(scores.get(name)));
  return [
    ...names.map((name): Metric => ({ name: name === 'score' ? name : `score:${name}`, of: ({ scores }) => scores.get(name) ?? undefined, rate: within(name) })),
    ...(names.includes('score') ? [] : [{ name: 'passed', of: ({ outcome }: Trial) => (outcome === 'passed' ? 1 : outcome === 'failed' ? 0 : undefined), rate: true }]),
    ...Object.entries(CALL_METRICS).map(([name, of]): Metric => ({ name, of, rate: false })),
  ];
}

function inRange(value: number | null | undefined): boolean {
  return value === undefined || value === null || (value >= 0 && value <= 1);
}

function compare(a: readonly Trial[], b: readonly Trial[], metric: Metric): Omit<VariantComparison, 'a' | 'b' | 'metric' | 'p_holm'> | undefined {
  const [valuesA, valuesB] = [valuesOf(a, metric), valuesOf(b, metric)];
  const pairs = [...valuesA].flatMap(([pairing, value]): [number, number][] => {
    const partner = valuesB.get(pairing);
    return partner === undefined ? [] : [[value, partner]];
  });
  const random = seededRandom('compare', a[0]!.plugin, ...Object.values(nameOf(a)).map(String), ...Object.values(nameOf(b)).map(String), metric.name);
  const all = valuesA.size + valuesB.size;
  if (pairs.length > 0) return figures(comparePaired(pairs, random, { rates: metric.rate }), { method: 'paired', n: pairs.length, unpaired: all - 2 * pairs.length });
  return figures(compareUnpaired([...valuesA.values()], [...valuesB.values()], random, { rates: metric.rate }), { method: 'unpaired', n: all, unpaired: all });
}

function figures(found: Difference | undefined, how: Pick<VariantComparison, 'method' | 'n' | 'unpaired'>): Omit<VariantComparison, 'a' | 'b' | 'metric' | 'p_holm'> | undefined {
  if (found === undefined) return undefined;
  return { difference: found.difference, interval: found.interval, p: found.test.p, method: how.method, test: found.test.method, n: how.n, unpaired: how.unpaired };
}

function valuesOf(trials: readonly Trial[], metric: Metric): Map<string, number> {
  return new Map(
    ended(trials).flatMap((trial): [string, number][] => {
      const value = metric.of(trial);
      return value === undefined ? [] : [[trial.pairing, value]];
    }),
  );
}

function nameOf(arm: readonly Trial[]): ArmName {
  return { variant: arm[0]!.variant, target: arm[0]!.target };
}
