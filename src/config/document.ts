import { LineCounter, isNode, parseDocument, type Document } from 'yaml';
import { UsageError, isObject } from '../core/index.ts';
import { hasBrokenReference } from '../core/index.ts';
import { literalSecrets } from './literal-secret.ts';
import { checkDocument, pathText, type Problem } from './problem.ts';
import type { AssayConfig } from './schema.ts';

/** Finds the line of a path in the file it was read from. */
type LineOf = (path: readonly PropertyKey[]) => number | undefined;

const SHOWN_PROBLEMS = 10;

/**
 * Reads a configuration from YAML or JSON text.
 *
 * @param file name for messages
 * @throws UsageError `config` that names the file, the line and the path of each problem
 */
export function readConfigText(text: string, file: string): AssayConfig {
  const lines = new LineCounter();
  // Every JSON text is YAML, so one reader with positions serves both.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = document.errors[0] ?? document.warnings[0];
  if (broken !== undefined) {
    throw new UsageError({
      code: 'config',
      message: `${file}:${lines.linePos(broken.pos[0]).line}: ${broken.message}`,
      hint: 'the file must be one YAML document',
      cause: broken,
    });
  }
  return parseConfig(plain(document, file), { file, lineOf: (path) => lineIn(document, lines, path) });
}

export interface ParseOptions {
  /** What the configuration came from, for messages; `configuration` by default. */
  readonly file?: string;
  readonly lineOf?: LineOf;
}

/**
 * Checks a configuration that is data already, e.g. a module's export or what a run was stored with, and fills in defaults.
 *
 * @throws UsageError `config` that names the file and the path of each problem
 */
export function parseConfig(value: unknown, { file = 'configuration', lineOf = () => undefined }: ParseOptions = {}): AssayConfig {
  const checked = checkDocument(value ?? {});
  const problems = [...literalSecrets(value), ...brokenReferences(value, []), ...('problems' in checked ? checked.problems : [])];
  if (problems.length === 0 && 'config' in checked) return checked.config;
  throw configError(problems, file, lineOf);
}

function plain(document: Document, file: string): unknown {
  try {
    return withoutNulls(document.toJS({ maxAliasCount: 100 }));
  } catch (error) {
    throw new UsageError({ code: 'config', message: `${file}: ${error instanceof Error ? error.message : String(error)}`, hint: 'write the values out instead of referring to them', cause: error });
  }
}

/** Where references are resolved; elsewhere `${` is text like any other, e.g. in a system prompt. */
const RESOLVED_KEYS: ReadonlySet<PropertyKey> = new Set(['providers', 'store', 'gateway', 'telemetry']);

/** A key with nothing after it, as when all below it is commented out, says nothing. */
function withoutNulls(value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, member]) => (member === null ? [] : [[key, withoutNulls(member)]])));
}

function brokenReferences(value: unknown, path: readonly PropertyKey[]): Problem[] {
  if (path[0] !== undefined && !RESOLVED_KEYS.has(path[0])) return [];
  if (typeof value === 'string') {
    return hasBrokenReference(value) ? [{ path, message: 'has a ${ that starts no reference; write ${NAME}, with letters, digits and underscores' }] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => brokenReferences(member, [...path, key]));
}

function configError(problems: readonly Problem[], file: string, lineOf: LineOf): UsageError {
  const sayings = problems.map((problem) => {
    const line = lineOf(problem.path);
    const path = pathText(problem.path);
    return `${file}${line === undefined ? '' : `:${line}`}: ${path === '' ? 'the file' : path}: ${problem.message}`;
  });
  const hidden = sayings.length - SHOWN_PROBLEMS;
  const shown = [...sayings.slice(0, SHOWN_PROBLEMS), ...(hidden > 0 ? [`and ${hidden} more`] : [])];
  return new UsageError({
    code: 'config',
    message: shown.length === 1 ? shown[0]! : `${problems.length} problems in the configuration\n  ${shown.join('\n  ')}`,
    hint: '`assay init` writes a commented example; schema/assay.schema.json in the package describes every key',
  });
}

/** The line of the deepest part of the path that stands in the file: a missing key is reported where it should be. */
function lineIn(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const start = keyStart(document, path.slice(0, depth));
    if (start !== undefined) return lines.linePos(start).line;
  }
  return 1;
}

function keyStart(document: Document, path: readonly PropertyKey[]): number | undefined {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (typeof parent === 'object' && parent !== null && 'items' in parent && Array.isArray(parent.items) && typeof last === 'string') {
    for (const item of parent.items as unknown[]) {
      if (typeof item !== 'object' || item === null || !('key' in item)) continue;
      const key: unknown = item.key;
      if (isNode(key) && String(key.toJSON()) === last) return key.range?.[0];
    }
  }
  const node: unknown = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}
