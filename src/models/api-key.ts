import { UsageError } from '../core/index.ts';

/** Environment variables by name, handed in. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a key from the first of the named variables that is set.
 *
 * @throws UsageError `missing_key` naming the variables
 */
export function requireKey(env: Environment, spec: string, ...variables: readonly string[]): string {
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

/**
 * Replaces `${NAME}` by the variable's value.
 *
 * @throws UsageError naming the variable that is not set
 */
export function resolveText(text: string, env: Environment, where: string): string {
  return text.replaceAll(/\$\{([A-Za-z_]\w*)\}/g, (_whole, name: string) => {
    const value = env[name];
    if (value === undefined) throw new UsageError({ code: 'config', message: `${where} refers to \${${name}}, which is not set`, hint: `export ${name}=…` });
    return value;
  });
}

/** Resolves the references in every header value. */
export function resolveHeaders(headers: Readonly<Record<string, string>> | undefined, env: Environment, where: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, resolveText(value, env, `${where}.headers.${name}`)]));
}
