import { isObject, parseJson, UsageError, type Scope } from '../core/index.ts';
import type { Fork } from './call-counter.ts';
import { presentableName, requireName, requirePath, type NamedPart } from './scope-name.ts';
import { carryScope, currentForks, currentScope, inScope, pathsTo, replaceScope, type CarriedScope } from './scope.ts';

const NAMED: readonly Exclude<NamedPart, 'branch'>[] = ['trial', 'role', 'phase'];

/** Where the parts of a scope stand in an HTTP request. Values are URI-encoded; forks are ids, one for each level of the branch, joined by commas. */
export const SCOPE_HEADERS = {
  trial: 'x-assay-trial',
  branch: 'x-assay-branch',
  role: 'x-assay-role',
  phase: 'x-assay-phase',
  fork: 'x-assay-fork',
} as const;

/** Far above what the names allow. */
const LONGEST_TEXT = 16_384;
/** Keys of runs and attempts, which nobody types. */
const LONGEST_KEY = 1_000;

const FORK_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/**
 * The surrounding scope as one line of JSON, to go on in it in another thread, process or machine: its parts by name and, under
 * `forks`, the ids of its branches' forks. What counts in this process (`currentUsage`, a tracker) does not go with it.
 *
 * @example new Worker(file, { workerData: { scope: exportScope() } });
 */
export function exportScope(): string {
  return scopeToText(carryScope());
}

/**
 * Runs `fn` in a scope that was exported elsewhere, in place of the surrounding one.
 *
 * @throws UsageError for a text that `exportScope` did not make
 * @example runInScope(workerData.scope, () => agent.answer(turn));
 */
export function runInScope<T>(exported: string, fn: () => T): T {
  return replaceScope(scopeFromText(exported), fn);
}

/** What `exportScope` writes, for any scope. */
export function scopeToText({ scope, forks }: CarriedScope): string {
  const parts: Record<string, unknown> = { ...scope };
  for (const part of NAMED) if (scope[part] !== undefined) parts[part] = presentableName(part, scope[part]);
  if (forks.length > 0) parts['forks'] = forks.map(({ id }) => id);
  return JSON.stringify(parts);
}

/**
 * Reads what `scopeToText` wrote; members of other names are passed over.
 *
 * @throws UsageError for anything else
 */
export function scopeFromText(text: string): CarriedScope {
  const parsed = typeof text === 'string' && text.length <= LONGEST_TEXT ? parseJson(text) : undefined;
  if (!isObject(parsed)) throw new UsageError({ message: 'this is no scope', hint: 'pass the text that exportScope() returned, unchanged' });
  const { runId, goalIndex, attemptKey, branch, forks } = parsed;
  const scope: { -readonly [Part in keyof Scope]: Scope[Part] } = {};
  if (runId !== undefined) scope.runId = requireKey('runId', runId);
  if (goalIndex !== undefined) {
    if (!Number.isSafeInteger(goalIndex) || (goalIndex as number) < 0) throw new UsageError({ message: 'a scope whose goalIndex is no whole number', hint: 'pass the text that exportScope() returned, unchanged' });
    scope.goalIndex = goalIndex as number;
  }
  if (attemptKey !== undefined) scope.attemptKey = requireKey('attemptKey', attemptKey);
  for (const part of NAMED) {
    const name = parsed[part];
    if (name === undefined) continue;
    requireName(part, name);
    scope[part] = name;
  }
  if (branch !== undefined) {
    requirePath(branch);
    scope.branch = branch;
  }
  if (forks !== undefined && !Array.isArray(forks)) throw badForks();
  return { scope, forks: forksOf(scope.branch, forks ?? []) };
}

/**
 * Headers that tell a gateway whom a request is charged to. The run, goal and attempt are the gateway's own affair. Names that a
 * program may not give itself (an engine's step keys as phases can be long) are cut to what may be read back.
 */
export function scopeToHeaders(scope: Scope, forks: readonly Fork[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const part of NAMED) {
    const name = scope[part] === undefined ? undefined : presentableName(part, scope[part]);
    if (name !== undefined) headers[SCOPE_HEADERS[part]] = encodeURIComponent(name);
  }
  if (scope.branch !== undefined) headers[SCOPE_HEADERS.branch] = encodeURIComponent(scope.branch);
  if (scope.branch !== undefined && forks.length > 0) headers[SCOPE_HEADERS.fork] = forks.map(({ id }) => id).join(',');
  return headers;
}

/** An address that names its scope by itself. */
const SCOPE_PATH = /^\/s\/[^/]/;

/**
 * Headers that tell a gateway whom a request made here is charged to. None where nothing was entered in this process and the address names
 * its scope by itself: that is the process's own, or one that was opened inside it.
 *
 * @param path of the request
 */
export function scopeHeadersFor(path: string): Record<string, string> {
  return SCOPE_PATH.test(path) && !inScope() ? {} : scopeToHeaders(currentScope(), currentForks());
}

/**
 * Reads the headers of a request; what is absent or empty is absent from the scope.
 *
 * @param read gives a header by its name in lower case
 * @throws UsageError for values that are not URI-encoded, names that cannot be, forks that do not fit the branch
 */
export function scopeFromHeaders(read: (name: string) => string | undefined): CarriedScope {
  const scope: { -readonly [Part in keyof Scope]: Scope[Part] } = {};
  for (const part of NAMED) {
    const name = decoded(SCOPE_HEADERS[part], read(SCOPE_HEADERS[part]));
    if (name === undefined) continue;
    requireName(part, name);
    scope[part] = name;
  }
  const branch = decoded(SCOPE_HEADERS.branch, read(SCOPE_HEADERS.branch));
  if (branch !== undefined) {
    requirePath(branch);
    scope.branch = branch;
  }
  const ids = read(SCOPE_HEADERS.fork);
  return { scope, forks: forksOf(branch, ids === undefined || ids === '' ? [] : ids.split(',').map((id) => id.trim())) };
}

/** @throws UsageError where they do not fit */
function forksOf(branch: string | undefined, ids: readonly unknown[]): Fork[] {
  if (ids.length === 0) return [];
  const paths = branch === undefined ? [] : pathsTo(branch);
  if (paths.length !== ids.length) throw badForks();
  return paths.map((path, level) => {
    const id = ids[level];
    if (typeof id !== 'string' || !FORK_ID.test(id)) throw badForks();
    return { branch: path, id };
  });
}

function badForks(): UsageError {
  return new UsageError({ message: 'forks that do not fit their branch: one id is needed for each level of its path', hint: 'pass on what Assay gave, unchanged, or leave the forks out' });
}

function requireKey(part: string, key: unknown): string {
  if (typeof key !== 'string' || key === '' || key.length > LONGEST_KEY) throw new UsageError({ message: `a scope whose ${part} is no text`, hint: 'pass the text that exportScope() returned, unchanged' });
  return key;
}

function decoded(header: string, value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    throw new UsageError({ message: `the header ${header} is not URI-encoded`, hint: 'encode its value, e.g. with encodeURIComponent: "50%" is "50%25"' });
  }
}
