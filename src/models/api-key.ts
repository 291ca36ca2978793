import { UsageError, type Env } from '../core/index.ts';

/**
 * Reads a key from the first of the named variables that is set.
 *
 * @throws UsageError `missing_key` naming the variables
 */
export function requireKey(env: Env, spec: string, ...variables: readonly string[]): string {
  for (const variable of variables) {
    const value = env[variable];
    if (value !== undefined && value !== '') return value;
  }
  const [first, ...others] = variables;
  throw new UsageError({
    code: 'missing_key',
    message: `target ${spec} needs an API key: ${first} is not set`,
    hint: `export ${first}=…${others.length === 0 ? '' : ` (or ${others.join(', ')})`}, or name another variable with --api-key-env`,
  });
}
