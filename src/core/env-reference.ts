import { UsageError } from './errors.ts';
import { isObject } from './json.ts';

const ANY_REFERENCE = /\$\{[^}]*\}?/g;
const REFERENCE = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/;

/** The environment, as far as it is read. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Whether a text refers to the environment. */
export function hasReference(text: string): boolean {
  return referencedNames(text).length > 0;
}

/** Whether a text has a `${` that cannot be read as a reference. */
export function hasBrokenReference(text: string): boolean {
  return [...text.matchAll(ANY_REFERENCE)].some(([match]) => !REFERENCE.test(match));
}

/** Names of the variables a text refers to. */
export function referencedNames(text: string): string[] {
  return [...text.matchAll(ANY_REFERENCE)].flatMap(([match]) => REFERENCE.exec(match)?.[1] ?? []);
}

/**
 * Puts the environment's values in place of `${NAME}` references, in a text or in all texts of an object or list.
 * A variable that is empty counts as missing.
 *
 * @param where what the value is, for the message: a path such as `providers.openai.headers`
 * @throws UsageError `missing_key` naming the variable and the place
 */
export function resolveEnv<T>(value: T, env: Env, where = ''): T {
  return resolve(value, env, where) as T;
}

function resolve(value: unknown, env: Env, where: string): unknown {
  if (typeof value === 'string') return resolveText(value, env, where);
  if (Array.isArray(value)) return value.map((member, i) => resolve(member, env, `${where}[${i}]`));
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, resolve(member, env, where === '' ? key : `${where}.${key}`)]));
  }
  return value;
}

function resolveText(text: string, env: Env, where: string): string {
  return text.replaceAll(ANY_REFERENCE, (match) => {
    const name = REFERENCE.exec(match)?.[1];
    if (name === undefined) return match;
    const value = env[name];
    if (value !== undefined && value !== '') return value;
    throw new UsageError({
      code: 'missing_key',
      message: `environment variable ${name} is not set${where === '' ? '' : `, but ${where} refers to it`}`,
      hint: `set it: export ${name}=…`,
    });
  });
}
