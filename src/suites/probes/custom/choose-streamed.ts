import type { Random } from '../../../core/index.ts';

export interface ChoiceOptions {
  /** How many there are in all. */
  readonly count: number;
  /** How many to take at most. */
  readonly cap: number;
  readonly random: Random;
}

/** A seeded choice from a stream in its own order, keeping none of it (selection sampling: Knuth, TAOCP vol. 2, 3.4.2, algorithm S). */
export async function* chooseStreamed<T>(stream: AsyncIterable<T>, { count, cap, random }: ChoiceOptions): AsyncGenerator<T> {
  let left = count;
  let wanted = Math.min(cap, count);
  for await (const each of stream) {
    if (wanted === 0) return;
    if (random.next() * left < wanted) {
      wanted--;
      yield each;
    }
    left--;
  }
}
