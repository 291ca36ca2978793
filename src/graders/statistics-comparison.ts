import type { Random } from '../core/index.ts';
import { bootstrapMean, differenceOfRates, mean } from './statistics-mean.ts';
import { quantile, type Interval } from './statistics.ts';

/** A test of whether two groups differ in their means. */
export interface PermutationTest {
  /** Two-sided: the share of arrangements whose difference is at least as large as the one seen. */
  readonly p: number;
  /** `exact` over all arrangements, or over a seeded sample of them. */
  readonly method: 'exact' | 'sampled';
}

/** How two groups differ. */
export interface Difference {
  /** Mean of the first less mean of the second; of the pairs, where they are paired. */
  readonly difference: number;
  /** 95 %; `null` where there is too little to tell. */
  readonly interval: Interval | null;
  readonly test: PermutationTest;
}

/** Arrangements that are tried one by one. */
const MOST_EXACT = 2 ** 16;
const SAMPLES = 10_000;
/** Additions that a test or a bootstrap makes at most, so that it is not felt. */
const MOST_DRAWS = 5_000_000;
const RESAMPLES = 10_000;

/**
 * Compares two groups whose members belong together in pairs (the same seed): signs of the differences are flipped within pairs, because
 * without an effect either of a pair could have been either's.
 *
 * @param options.rates whether the values lie within 0 and 1: then an interval is given also where the pairs show no spread
 * @returns `undefined` without pairs
 */
export function comparePaired(pairs: readonly (readonly [a: number, b: number])[], random: Pick<Random, 'integer' | 'next'>, options: { readonly rates?: boolean } = {}): Difference | undefined {
  const differences = pairs.map(([a, b]) => a - b);
  const difference = mean(differences);
  if (difference === undefined) return undefined;
  const spread = differences.some((each) => each !== differences[0]);
  const interval = options.rates === true && !spread ? rateInterval(pairs.map(([a]) => a), pairs.map(([, b]) => b)) : bootstrapMean(differences, random);
  return { difference, interval: interval ?? null, test: signFlips(differences, random) };
}

/**
 * Compares two groups of independent members: members are dealt to the groups anew.
 *
 * @param options.rates as for `comparePaired`
 * @returns `undefined` where a group is empty
 */
export function compareUnpaired(a: readonly number[], b: readonly number[], random: Pick<Random, 'integer' | 'next'>, options: { readonly rates?: boolean } = {}): Difference | undefined {
  const [ofA, ofB] = [mean(a), mean(b)];
  if (ofA === undefined || ofB === undefined) return undefined;
  const spread = a.some((each) => each !== a[0]) || b.some((each) => each !== b[0]);
  const interval = options.rates === true && !spread ? rateInterval(a, b) : bootstrapDifference(a, b, random);
  return { difference: ofA - ofB, interval: interval ?? null, test: relabellings(a, b, random) };
}

/**
 * Holm's step-down correction of many p-values: each is raised so that, over all of them, a difference is claimed where there is none at
 * most as often as the threshold says. Source: S. Holm, Scandinavian Journal of Statistics 6 (1979) 65–70.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((p, place) => ({ p, place })).toSorted((x, y) => x.p - y.p);
  const adjusted = [...pValues];
  let floor = 0;
  for (const [rank, { p, place }] of order.entries()) {
    floor = Math.max(floor, Math.min(1, p * (order.length - rank)));
    adjusted[place] = floor;
  }
  return adjusted;
}

function signFlips(differences: readonly number[], random: Pick<Random, 'next'>): PermutationTest {
  // What does not differ stays the same whatever its sign.
  const moving = differences.filter((each) => each !== 0);
  const observed = Math.abs(moving.reduce((total, each) => total + each, 0));
  const enough = reaches(observed, moving);
  if (2 ** moving.length <= MOST_EXACT) {
    const all = 2 ** moving.length;
    let extreme = 0;
    for (let signs = 0; signs < all; signs++) {
      let sum = 0;
      for (let i = 0; i < moving.length; i++) sum += (signs >> i) & 1 ? moving[i]! : -moving[i]!;
      if (enough(sum)) extreme++;
    }
    return { p: extreme / all, method: 'exact' };
  }
  return sampled(moving.length, () => {
    let sum = 0;
    for (const each of moving) sum += random.next() < 0.5 ? each : -each;
    return enough(sum);
  });
}

function relabellings(a: readonly number[], b: readonly number[], random: Pick<Random, 'integer'>): PermutationTest {
  const all = [...a, ...b];
  const total = all.reduce((sum, each) => sum + each, 0);
  // The difference of means follows from the first group's sum alone.
  const expected = (total * a.length) / all.length;
  const observed = Math.abs(a.reduce((sum, each) => sum + each, 0) - expected);
  const enough = reaches(observed, all);
  if (combinations(all.length, a.length) <= MOST_EXACT) {
    let extreme = 0;
    let arrangements = 0;
    for (const sum of sumsOfChoices(all, a.length)) {
      arrangements++;
      if (enough(sum - expected)) extreme++;
    }
    return { p: extreme / arrangements, method: 'exact' };
  }
  const dealt = [...all];
  return sampled(all.length, () => {
    let sum = 0;
    // The first places of a shuffle are all that is needed.
    for (let i = 0; i < a.length; i++) {
      const j = i + random.integer(dealt.length - i);
      [dealt[i], dealt[j]] = [dealt[j]!, dealt[i]!];
      sum += dealt[i]!;
    }
    return enough(sum - expected);
  });
}

/** The arrangement that was seen is one of those that count, so p is never 0. */
function sampled(size: number, isExtreme: () => boolean): PermutationTest {
  const samples = Math.max(500, Math.min(SAMPLES, Math.floor(MOST_DRAWS / size)));
  let extreme = 0;
  for (let sample = 0; sample < samples; sample++) if (isExtreme()) extreme++;
  return { p: (extreme + 1) / (samples + 1), method: 'sampled' };
}

/** Sums of the same figures in another order differ in their last bits, which must not decide. */
function reaches(observed: number, values: readonly number[]): (sum: number) => boolean {
  const slack = values.reduce((sum, each) => sum + Math.abs(each), 0) * 1e-12;
  return (sum) => Math.abs(sum) >= observed - slack;
}

function combinations(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) {
    result = (result * (n - i + 1)) / i;
    if (result > MOST_EXACT) return Infinity;
  }
  return Math.round(result);
}

function* sumsOfChoices(values: readonly number[], size: number, from = 0, sum = 0): Generator<number> {
  if (size === 0) {
    yield sum;
    return;
  }
  for (let i = from; i <= values.length - size; i++) yield* sumsOfChoices(values, size - 1, i + 1, sum + values[i]!);
}

function bootstrapDifference(a: readonly number[], b: readonly number[], random: Pick<Random, 'integer'>): Interval | undefined {
  if (a.length < 2 || b.length < 2) return undefined;
  const resamples = Math.max(200, Math.min(RESAMPLES, Math.floor(MOST_DRAWS / (a.length + b.length))));
  const drawn = (values: readonly number[]): number => {
    let sum = 0;
    for (let draw = 0; draw < values.length; draw++) sum += values[random.integer(values.length)]!;
    return sum / values.length;
  };
  const differences = Float64Array.from({ length: resamples }, () => drawn(a) - drawn(b)).sort();
  return { low: quantile(differences, 0.025), high: quantile(differences, 0.975) };
}

function rateInterval(a: readonly number[], b: readonly number[]): Interval | undefined {
  const hits = (values: readonly number[]): number => Math.min(values.length, Math.max(0, values.reduce((sum, each) => sum + each, 0)));
  return differenceOfRates({ hits: hits(a), trials: a.length }, { hits: hits(b), trials: b.length });
}
