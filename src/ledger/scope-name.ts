import { UsageError } from '../core/index.ts';

/** Parts of a scope that a user names. */
export type NamedPart = 'trial' | 'branch' | 'role' | 'phase';

/** In characters. Keeps a scope within what HTTP headers carry. */
export const LONGEST_NAME = 200;
/** In characters, of a branch's whole path. */
export const LONGEST_PATH = 1_000;
export const DEEPEST_BRANCH = 32;

/** Names that tables and logs use for calls that have none. */
const TAKEN: Readonly<Record<NamedPart, string>> = { trial: 'unattributed', branch: '(trunk)', role: 'unattributed', phase: 'unattributed' };

// Control characters cannot be shown and, as NUL, not stored everywhere.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001F\u007F-\u009F]/;
const CONTROLS = new RegExp(CONTROL, 'g');

/**
 * @throws UsageError for what cannot be the name of a trial, branch, role or phase
 */
export function requireName(part: NamedPart, name: unknown): asserts name is string {
  const objection = objectionTo(part, name);
  if (objection !== undefined) throw new UsageError(objection);
}

/** A branch's path may be as long as the branches it is made of. */
export function requirePath(path: unknown): asserts path is string {
  if (typeof path !== 'string') throw new UsageError({ message: `a branch's path must be text, not ${kindOf(path)}`, hint: 'join the names of its branches by "/", outermost first' });
  const names = path.split('/');
  if (path.length > LONGEST_PATH || names.length > DEEPEST_BRANCH) {
    throw new UsageError({ message: `the branch "${shown(path)}" is too deep: ${names.length} levels, ${path.length} characters`, hint: `keep to ${DEEPEST_BRANCH} levels and ${LONGEST_PATH} characters` });
  }
  for (const name of names) requireName('branch', name);
}

/** The name as one that `requireName` takes, for names that programs made: cut, without control characters. `undefined` where nothing is left. */
export function presentableName(part: NamedPart, name: string): string | undefined {
  if (objectionTo(part, name) === undefined) return name;
  const plain = name.toWellFormed().replaceAll(CONTROLS, ' ').slice(0, LONGEST_NAME).toWellFormed();
  return objectionTo(part, plain) === undefined ? plain : undefined;
}

function objectionTo(part: NamedPart, name: unknown): { readonly message: string; readonly hint: string } | undefined {
  if (typeof name !== 'string') return { message: `a ${part}'s name must be text, not ${kindOf(name)}`, hint: `give a short name first: ${part}("name", fn)` };
  if (name.trim() === '') return { message: `a ${part}'s name is empty`, hint: 'give it a short name' };
  if (name.length > LONGEST_NAME) return { message: `the ${part} name "${shown(name)}" has ${name.length} characters`, hint: `keep to ${LONGEST_NAME}; long texts belong into your own log` };
  if (CONTROL.test(name) || !name.isWellFormed()) return { message: `the ${part} name ${JSON.stringify(shown(name))} has characters that cannot be shown`, hint: 'leave out line breaks, tabs and other control characters' };
  if (part === 'branch' && name.includes('/')) return { message: `the branch name "${shown(name)}" has a "/", which joins the names of nested branches`, hint: 'nest branch() calls, or use another character' };
  if (name === TAKEN[part]) return { message: `"${name}" is what calls without a ${part} are listed under`, hint: `give the ${part} another name` };
  return undefined;
}

function shown(name: string): string {
  return name.length > 60 ? `${name.slice(0, 59)}…` : name;
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
}
