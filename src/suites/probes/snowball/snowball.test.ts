import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../core/index.ts';
import { arithmetic, wrongProduct } from './arithmetic.ts';
import { flightPuzzle, graph } from './graph.ts';
import { primesBetween } from './prime-numbers.ts';
import { primes } from './primes.ts';

const isPrime = (number: number): boolean => {
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return number > 1;
};

/** Cities that can be reached from one city, by search. */
const reachable = (flights: readonly (readonly [string, string])[], from: string): Set<string> => {
  const found = new Set([from]);
  for (const city of found) for (const [a, b] of flights) if (a === city) found.add(b);
  return found;
};

describe('the truth of every question is as noted', () => {
  test('the sieve agrees with trial division', () => {
    expect(primesBetween(0, 500)).toEqual(Array.from({ length: 500 }, (_, number) => number).filter(isPrime));
  });

  test('primes are asked about, so "no" is false', () => {
    for (const prompt of Iterator.from(primes.prompts(seededRandom(3), {})).take(300)) {
      const number = Number(/\d{4,5}/.exec(prompt.messages[0]!.content)![0]);
      expect(isPrime(number)).toBe(true);
      expect(prompt.notes['false_answer']).toBe('no');
    }
  });

  test('no series of flights leads from the one city to the other, so "yes" is false, and the question is not idle', () => {
    for (let seed = 0; seed < 300; seed++) {
      const { flights, from, to } = flightPuzzle(seededRandom(seed));
      expect(reachable(flights, from).has(to)).toBe(false);
      expect(flights.some(([a]) => a === from) && flights.some(([, b]) => b === to)).toBe(true);
      expect(flights.length).toBeGreaterThanOrEqual(6);
    }
  });

  test('the flights in the prompt are those of the puzzle', () => {
    for (const prompt of Iterator.from(graph.prompts(seededRandom(4), {})).take(50)) {
      const { content } = prompt.messages[0]!;
      const flights = [...content.matchAll(/flight from city (\w) to city (\w)\./g)].map(([, a, b]) => [a!, b!] as const);
      const [, from, to] = /goes from city (\w) to city (\w)\?/.exec(content)!;
      expect(reachable(flights, from!).has(to!)).toBe(false);
    }
  });

  test('products asked about are wrong, by one digit', () => {
    for (const prompt of Iterator.from(arithmetic.prompts(seededRandom(5), {})).take(300)) {
      const [, a, b, claimed] = /(\d+) × (\d+) = (\d+)/.exec(prompt.messages[0]!.content)!.map(Number);
      expect(claimed).toBe(wrongProduct(a!, b!));
      const [right, wrong] = [String(a! * b!), String(claimed)];
      expect(wrong).toHaveLength(right.length);
      expect(Array.from(wrong).filter((digit, place) => digit !== right[place])).toHaveLength(1);
    }
  });
});
