import { createHash } from 'node:crypto';

/** A source of randomness that is handed in, so that a seed decides every choice. */
export interface Random {
  /** A float in [0, 1). */
  next(): number;
  /** An integer in [0, bound). */
  integer(bound: number): number;
  /** One element of a non-empty list. */
  pick<T>(list: readonly T[]): T;
  /** A new list in random order. */
  shuffle<T>(list: readonly T[]): T[];
}

/**
 * A pseudo-random source whose sequence depends on its parts alone, never on when it is asked.
 * The generator is xoshiro128** (Blackman and Vigna, 2018), seeded from a SHA-256 of the parts.
 *
 * @param parts what the sequence depends on, e.g. `seededRandom(seed, goalText, turn)`
 */
export function seededRandom(...parts: readonly (string | number)[]): Random {
  const digest = createHash('sha256').update(parts.map(String).join('\u0000')).digest();
  const s = new Uint32Array([digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8), digest.readUInt32LE(12) | 1]);
  const rotl = (x: number, k: number): number => ((x << k) | (x >>> (32 - k))) >>> 0;
  const nextUint = (): number => {
    const s1 = s[1]!;
    const result = Math.imul(rotl(Math.imul(s1, 5) >>> 0, 7), 9) >>> 0;
    const t = (s1 << 9) >>> 0;
    s[2]! ^= s[0]!;
    s[3]! ^= s1;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotl(s[3]!, 11);
    return result;
  };
  const next = (): number => nextUint() / 0x1_0000_0000;
  const integer = (bound: number): number => Math.floor(next() * bound);
  return {
    next,
    integer,
    pick: (list) => {
      if (list.length === 0) throw new RangeError('pick() needs a non-empty list');
      return list[integer(list.length)]!;
    },
    shuffle: (list) => {
      const copy = [...list];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [copy[i], copy[j]] = [copy[j]!, copy[i]!];
      }
      return copy;
    },
  };
}

/** Randomness that need not be repeated, such as retry jitter. */
export const systemRandom: Pick<Random, 'next'> = { next: Math.random };
