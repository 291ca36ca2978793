/** Primes in [from, to), by the sieve of Eratosthenes. */
export function primesBetween(from: number, to: number): number[] {
  const composite = new Uint8Array(Math.max(to, 2));
  const primes: number[] = [];
  for (let candidate = 2; candidate < to; candidate++) {
    if (composite[candidate] === 1) continue;
    if (candidate >= from) primes.push(candidate);
    for (let multiple = candidate * candidate; multiple < to; multiple += candidate) composite[multiple] = 1;
  }
  return primes;
}
