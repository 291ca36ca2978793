import type { Random } from '../../core/index.ts';

/** Above this the products below would no longer be exact. */
const LARGEST = Math.floor(Math.sqrt(Number.MAX_SAFE_INTEGER));

/**
 * Every integer in [0, size) once, in a seeded order, without keeping any of them: an affine map i → (a·i + b) mod size with a
 * coprime to size. Orderly enough to spread over all choices early, which is what a small sample needs.
 */
export function* permutation(random: Random, size: number): Generator<number> {
  if (!Number.isInteger(size) || size < 1 || size > LARGEST) throw new RangeError(`permutation of ${size}`);
  let step = 1 + random.integer(size);
  while (greatestCommonDivisor(step, size) !== 1) step = (step % size) + 1;
  const start = random.integer(size);
  for (let index = 0; index < size; index++) yield (step * index + start) % size;
}

/** Every combination of one choice from each list once, in a seeded order. */
export function* combinations<const Lists extends readonly (readonly unknown[])[]>(
  random: Random,
  ...lists: Lists
): Generator<{ [Index in keyof Lists]: Lists[Index][number] }> {
  // Shuffled lists, so that neighbours in the source are not neighbours here.
  const shuffled = lists.map((list) => random.shuffle(list));
  const size = shuffled.reduce((product, list) => product * list.length, 1);
  for (const place of permutation(random, size)) {
    let rest = place;
    yield shuffled.map((list) => {
      const choice = list[rest % list.length];
      rest = Math.floor(rest / list.length);
      return choice;
    }) as { [Index in keyof Lists]: Lists[Index][number] };
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
