import type { Probe } from '../contract.ts';
import { arithmetic } from './arithmetic.ts';
import { graph } from './graph.ts';
import { primes } from './primes.ts';
import { selfCheck } from './self-check.ts';

export const snowballProbes: readonly Probe[] = [
  selfCheck,
  primes,
  graph,
  arithmetic,
];
