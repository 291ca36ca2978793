import { sha256, type Scope } from '../core/index.ts';
import { ASSAY } from './gen-ai.ts';
import type { SpanAttributes } from './contract.ts';

export type ScopeLevel = 'run' | 'goal' | 'trial' | 'attempt' | 'branch' | 'role';

/** Something that calls are charged to, as a span. */
export interface ScopeNode {
  readonly level: ScopeLevel;
  /** Its own name within its parent; the run's is its id. */
  readonly label: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** The scope as far as this. */
  readonly scope: Scope;
}

/**
 * What a scope is in, outermost first: run → goal → trial → attempt → branches → role, as far as it has them. Calls of the goal's own target
 * stand under their attempt itself: only other roles are spans.
 *
 * Ids are hashes of the path, so every process, and every resume, means the same span by the same scope.
 *
 * @param outside names what calls of no run are under
 */
export function scopePath(scope: Scope, outside: string): ScopeNode[] {
  const { runId, goalIndex, trial, attemptKey, branch, role } = scope;
  const root = runId ?? outside;
  const traceId = traceIdOf(root);
  const nodes: ScopeNode[] = [];
  let path: readonly (string | number)[] = [];
  let upTo: Scope = {};
  const add = (level: ScopeLevel, label: string, part: Scope): void => {
    path = [...path, level, label];
    upTo = { ...upTo, ...part };
    nodes.push({ level, label, traceId, spanId: spanIdOf('scope', path), parentSpanId: nodes.at(-1)?.spanId, scope: upTo });
  };
  add('run', root, runId === undefined ? {} : { runId });
  if (goalIndex !== undefined) add('goal', String(goalIndex), { goalIndex });
  if (trial !== undefined) add('trial', trial, { trial });
  if (attemptKey !== undefined) add('attempt', attemptKey, { attemptKey });
  let whole = '';
  for (const name of branch === undefined ? [] : branch.split('/')) {
    whole = whole === '' ? name : `${whole}/${name}`;
    add('branch', name, { branch: whole });
  }
  if (role !== undefined && role !== 'target') add('role', role, { role });
  return nodes;
}

/** Id of the trace that a run is. */
export function traceIdOf(runId: string): string {
  return sha256(JSON.stringify(['assay', 'trace', runId])).slice(0, 32);
}

/** Id of the span that something is. */
export function spanIdOf(kind: 'scope' | 'call', path: readonly (string | number)[]): string {
  return sha256(JSON.stringify(['assay', kind, ...path])).slice(0, 16);
}

/** A scope as attributes. */
export function scopeAttributes({ runId, goalIndex, trial, attemptKey, branch, role, phase }: Scope): SpanAttributes {
  return {
    ...(runId === undefined ? {} : { [ASSAY.run]: runId }),
    ...(goalIndex === undefined ? {} : { [ASSAY.goal]: goalIndex }),
    ...(trial === undefined ? {} : { [ASSAY.trial]: trial }),
    ...(attemptKey === undefined ? {} : { [ASSAY.attempt]: attemptKey }),
    ...(branch === undefined ? {} : { [ASSAY.branch]: branch }),
    ...(role === undefined ? {} : { [ASSAY.role]: role }),
    ...(phase === undefined ? {} : { [ASSAY.phase]: phase }),
  };
}
