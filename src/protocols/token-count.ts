import { asNumber } from '../core/index.ts';

/** A reported count of tokens, or `undefined` where it is absent, negative or not a number. */
export function tokenCount(value: unknown): number | undefined {
  const number = asNumber(value);
  return number === undefined || number < 0 ? undefined : number;
}
