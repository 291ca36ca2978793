import type { Random } from '../core/index.ts';

/** Both ends of an interval, in [0, 1]. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Standard normal quantile of a two-sided 95 % interval. */
const Z_95 = 1.959963984540054;

/**
 * The Wilson score interval (95 %, without continuity correction) of a proportion of independent trials; `undefined` without
 * trials. Source: E. B. Wilson, JASA 22 (1927) 209–212; method 3 in R. G. Newcombe, Statistics in Medicine 17 (1998) 857–872.
 *
 * @param hits may be a fraction, for a mean of rates
 */
export function wilson(hits: number, trials: number): Interval | undefined {
  if (trials === 0) return undefined;
  if (!(hits >= 0 && hits <= trials)) throw new RangeError(`${hits} hits of ${trials} trials`);
  const rate = hits / trials;
  const z2 = Z_95 * Z_95;
  const scale = 1 + z2 / trials;
  const centre = (rate + z2 / (2 * trials)) / scale;
  const half = (Z_95 * Math.sqrt((rate * (1 - rate)) / trials + z2 / (4 * trials * trials))) / scale;
  return {
    low: hits === 0 ? 0 : Math.max(0, centre - half),
    high: hits === trials ? 1 : Math.min(1, centre + half),
  };
}

/** The outputs that one prompt got. */
export interface Cluster {
  readonly hits: number;
  readonly scored: number;
}

/** Draws that a bootstrap makes at most, over all resamples: enough for a stable interval, little enough not to be felt. */
const MOST_DRAWS = 20_000_000;

/**
 * A 95 % percentile interval of a rate where several outputs share one prompt: prompts are drawn with replacement, each with all its
 * outputs, since outputs of one prompt are not independent. `undefined` where nothing was scored.
 *
 * Where every prompt has the same rate, resampling cannot show any spread; then it is Wilson's with each prompt as one trial.
 * 2,000 resamples, fewer (never under 200) above 10,000 prompts, where the interval is narrow anyway.
 */
export function bootstrapByPrompt(clusters: readonly Cluster[], random: Pick<Random, 'integer'>): Interval | undefined {
  const scored = clusters.filter((cluster) => cluster.scored > 0);
  const first = scored[0];
  if (!first) return undefined;
  const rate = first.hits / first.scored;
  if (scored.every((cluster) => cluster.hits / cluster.scored === rate)) return wilson(rate * scored.length, scored.length);

  const resamples = Math.max(200, Math.min(2_000, Math.floor(MOST_DRAWS / scored.length)));
  const rates = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    let hits = 0;
    let trials = 0;
    for (let draw = 0; draw < scored.length; draw++) {
      const cluster = scored[random.integer(scored.length)]!;
      hits += cluster.hits;
      trials += cluster.scored;
    }
    rates[resample] = hits / trials;
  }
  rates.sort();
  return { low: quantile(rates, 0.025), high: quantile(rates, 0.975) };
}

/** Linear interpolation between order statistics (type 7 of Hyndman and Fan, 1996). */
export function quantile(sorted: Float64Array, share: number): number {
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (position - below);
}

/** Where a rate would lie if all that has no score had been misses, and if all had been hits; `undefined` where there is nothing. */
export function boundsIfUnscored(hits: number, scored: number, unscored: number): Interval | undefined {
  const all = scored + unscored;
  return all === 0 ? undefined : { low: hits / all, high: (hits + unscored) / all };
}
