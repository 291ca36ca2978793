import type { Env } from '../core/index.ts';

/** The value of the first of the variables that is set; white space around it is not part of it, and an empty one counts as not set. */
export function envValue(env: Env, ...variables: readonly string[]): string | undefined {
  for (const variable of variables) {
    const value = env[variable]?.trim();
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}
