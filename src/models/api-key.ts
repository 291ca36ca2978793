import { UsageError, type Env } from '../core/index.ts';
import { envValue } from './env-value.ts';
import { fitsHeader } from './headers.ts';

/**
 * Reads a key from the first of the named variables that is set.
 *
 * @throws UsageError `missing_key` naming the variables, never repeating a value
 */
export function requireKey(env: Env, spec: string, ...variables: readonly string[]): string {
  const set = variables.find((variable) => envValue(env, variable) !== undefined);
  if (set === undefined) {
    const [first, ...others] = variables;
    throw new UsageError({
      code: 'missing_key',
      message: `target ${spec} needs an API key: ${first} is not set`,
      hint: `export ${first}=…${others.length === 0 ? '' : ` (or ${others.join(', ')})`}, or name another variable with --api-key-env`,
    });
  }
  const key = envValue(env, set)!;
  if (fitsHeader(key)) return key;
  throw new UsageError({
    code: 'missing_key',
    message: `target ${spec} needs an API key: what ${set} holds is none, it has characters that no header may carry`,
    hint: `export ${set} again: the key alone, on one line, without quotation marks`,
  });
}
