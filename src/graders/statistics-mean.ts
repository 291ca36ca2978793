import type { Random } from '../core/index.ts';
import { quantile, wilson, type Interval } from './statistics.ts';

/** Two-sided 95 %. */
const Z_95 = 1.959963984540054;
/** With fewer, chance would move the ends of the interval by several percent of its width. */
const RESAMPLES = 10_000;
/** Draws that a bootstrap makes at most, over all resamples, so that it is not felt. With many trials the interval is narrow anyway. */
const MOST_DRAWS = 2_000_000;

/**
 * A 95 % bootstrap interval of the mean of independent trials; `undefined` for fewer than two, of which one can tell nothing.
 *
 * The percentiles are widened for small samples, where plain ones are too narrow: T. C. Hesterberg, "What Teachers Should Know About the
 * Bootstrap", The American Statistician 69 (2015) 371–386, section 5.3 (the "expanded percentile" interval).
 */
export function bootstrapMean(values: readonly number[], random: Pick<Random, 'integer'>): Interval | undefined {
  const n = values.length;
  const [first] = values;
  if (first === undefined || n < 2) return undefined;
  if (values.every((value) => value === first)) return { low: first, high: first };
  const resamples = Math.max(200, Math.min(RESAMPLES, Math.floor(MOST_DRAWS / n)));
  const means = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    let sum = 0;
    for (let draw = 0; draw < n; draw++) sum += values[random.integer(n)]!;
    means[resample] = sum / n;
  }
  means.sort();
  const tail = normalTail(Math.sqrt(n / (n - 1)) * studentQuantile(n - 1));
  return { low: quantile(means, tail), high: quantile(means, 1 - tail) };
}

/** What a mean of scores within 0 and 1 is known to, and how. */
export interface ScoreInterval extends Interval {
  /** `wilson` where every score is 0 or 1, or all are the same, so that resampling shows no spread; else `bootstrap`. */
  readonly method: 'wilson' | 'bootstrap';
}

/** A 95 % interval of the mean of scores within 0 and 1; `undefined` where there are too few. */
export function scoreInterval(scores: readonly number[], random: Pick<Random, 'integer'>): ScoreInterval | undefined {
  const binary = scores.every((score) => score === 0 || score === 1);
  if (!binary && scores.some((score) => score !== scores[0])) {
    const interval = bootstrapMean(scores, random);
    return interval === undefined ? undefined : { ...interval, method: 'bootstrap' };
  }
  const interval = wilson(clamped(sum(scores), scores.length), scores.length);
  return interval === undefined ? undefined : { ...interval, method: 'wilson' };
}

/**
 * A 95 % interval of the difference `a − b` of two rates, from Wilson's of each; `undefined` where one has no trials.
 * Source: method 10 in R. G. Newcombe, Statistics in Medicine 17 (1998) 873–890.
 */
export function differenceOfRates(a: { readonly hits: number; readonly trials: number }, b: { readonly hits: number; readonly trials: number }): Interval | undefined {
  const [ofA, ofB] = [wilson(a.hits, a.trials), wilson(b.hits, b.trials)];
  if (ofA === undefined || ofB === undefined) return undefined;
  const [rateA, rateB] = [a.hits / a.trials, b.hits / b.trials];
  return {
    low: rateA - rateB - Math.hypot(rateA - ofA.low, ofB.high - rateB),
    high: rateA - rateB + Math.hypot(ofA.high - rateA, rateB - ofB.low),
  };
}

export function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A sum of n scores may miss n by the last bit. */
function clamped(hits: number, trials: number): number {
  return Math.min(trials, Math.max(0, hits));
}

/** The 97.5 % quantile of Student's t: exact for 1 and 2 degrees of freedom, else the expansion of Abramowitz and Stegun, 26.7.5. */
function studentQuantile(freedom: number): number {
  if (freedom === 1) return 12.706204736;
  if (freedom === 2) return 4.302652730;
  const z = Z_95;
  const [z3, z5, z7, z9] = [z ** 3, z ** 5, z ** 7, z ** 9];
  return (
    z +
    (z3 + z) / (4 * freedom) +
    (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom ** 3) +
    (79 * z9 + 776 * z7 + 1482 * z5 - 1920 * z3 - 945 * z) / (92_160 * freedom ** 4)
  );
}

/** The chance that a standard normal lies above `z` (at least 0): Abramowitz and Stegun, 26.2.17, exact to 7.5e-8. */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}
