import type * as z from 'zod';
import { configSchema } from './schema.ts';
import { configJsonSchema, keysAt } from './json-schema.ts';
import { nearest } from './nearest.ts';

type Path = readonly PropertyKey[];

/** Something in a configuration that cannot be used, and where it stands. */
export interface Problem {
  readonly path: Path;
  readonly message: string;
}

/** A path as people write it: `providers.compat.local.headers["x y"]`. */
export function pathText(path: Path): string {
  return path
    .map((key, i) => {
      if (typeof key === 'number') return `[${key}]`;
      const text = String(key);
      if (!/^[\w$-]+$/.test(text)) return `["${text}"]`;
      return i === 0 ? text : `.${text}`;
    })
    .join('');
}

/** What the schema objects to, in our words. Never repeats a value: it may be a secret. */
export function schemaProblems(error: z.ZodError): Problem[] {
  return error.issues.flatMap((issue) => problemsOf(issue, []));
}

type Issue = z.core.$ZodIssue;

function problemsOf(issue: Issue, base: Path): Problem[] {
  const path = [...base, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], message: `unknown key${suggestion(path, key)}` }));
    case 'invalid_key':
      return [{ path, message: issue.issues[0]?.message ?? issue.message }];
    case 'invalid_union':
      return unionProblems(issue, path);
    case 'invalid_type':
      return [{ path, message: issue.input === undefined && issue.message.endsWith('received undefined') ? 'is missing' : `must be ${article(issue.expected)}` }];
    case 'invalid_value':
      return [{ path, message: `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}` }];
    case 'too_small':
      return [{ path, message: issue.origin === 'string' ? 'must not be empty' : `must be ${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}` }];
    case 'too_big':
      return [{ path, message: `must be at most ${issue.maximum}` }];
    case 'invalid_format':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'custom':
      return [{ path, message: issue.message }];
  }
}

/** Of a union, the alternative that fits the value's kind says what is wrong; where none does, all are named. */
function unionProblems(issue: Extract<Issue, { code: 'invalid_union' }>, path: Path): Problem[] {
  const inner = issue.errors.find((errors) => errors.every((each) => each.path.length > 0 || each.code === 'unrecognized_keys'));
  if (inner !== undefined) return inner.flatMap((each) => problemsOf(each, path));
  const allowed = issue.errors.flat().flatMap((each) => {
    if (each.code === 'invalid_value') return each.values.map((value) => JSON.stringify(value));
    if (each.code === 'invalid_type') return [article(each.expected)];
    return [];
  });
  return [{ path, message: `must be ${allowed.join(' or ')}` }];
}

const MOVED: Readonly<Record<string, string>> = {
  apiKey: 'name the variable that holds the key in "apiKeyEnv"',
  api_key: 'name the variable that holds the key in "apiKeyEnv"',
};

function suggestion(path: Path, key: string): string {
  const moved = MOVED[key];
  if (moved !== undefined) return `; ${moved}`;
  const known = keysAt(configJsonSchema(), path);
  const near = nearest(key, known);
  if (near !== undefined) return `; did you mean "${near}"?`;
  return known.length === 0 ? '' : `; known here: ${known.join(', ')}`;
}

function article(kind: string): string {
  switch (kind) {
    case 'int':
      return 'a whole number';
    case 'array':
      return 'a list';
    case 'object':
    case 'record':
      return 'a mapping';
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'a text';
    default:
      return `a ${kind}`;
  }
}

/** Checks a document against the schema. */
export function checkDocument(document: unknown): { readonly config: z.output<typeof configSchema> } | { readonly problems: Problem[] } {
  const result = configSchema.safeParse(document);
  return result.success ? { config: result.data } : { problems: schemaProblems(result.error) };
}
