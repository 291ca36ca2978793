import { describe, expect, it } from 'vitest';
import type { Scope } from '../core/index.ts';
import type { SpanDraft } from './contract.ts';
import { ParentSpans } from './parent-spans.ts';
import { scopePath, type ScopeNode } from './scope-path.ts';

const path = (scope: Scope): ScopeNode[] => scopePath({ runId: 'r', ...scope }, 'outside');

function collecting(options: { readonly mine?: (node: ScopeNode) => boolean; readonly mostOpen?: number } = {}): { readonly parents: ParentSpans; readonly spans: SpanDraft[]; readonly shown: () => string[] } {
  const spans: SpanDraft[] = [];
  const parents = new ParentSpans({ emit: (span) => spans.push(span), mine: () => true, ...options });
  return { parents, spans, shown: () => spans.map(({ name, startMs, endMs }) => `${name} ${startMs}–${endMs}`) };
}

describe('a scope', () => {
  it('is a path of spans, the same wherever it is made', () => {
    const nodes = path({ goalIndex: 2, trial: 't', attemptKey: 'a', branch: 'x/y', role: 'judge', phase: 'p' });
    expect(nodes.map(({ level, label }) => `${level} ${label}`)).toEqual(['run r', 'goal 2', 'trial t', 'attempt a', 'branch x', 'branch y', 'role judge']);
    expect(nodes.map(({ parentSpanId }) => parentSpanId)).toEqual([undefined, ...nodes.slice(0, -1).map(({ spanId }) => spanId)]);
    expect(path({ goalIndex: 2, trial: 't', attemptKey: 'a', branch: 'x', role: 'target' }).map(({ spanId }) => spanId)).toEqual(nodes.slice(0, 5).map(({ spanId }) => spanId));
    expect(new Set(nodes.map(({ traceId }) => traceId)).size).toBe(1);
  });

  it('is another span under another parent, however alike their names are', () => {
    const ids = [path({ trial: 'a' }), path({ branch: 'a' }), path({ role: 'a' }), path({ trial: 'a', branch: 'a' }), path({ goalIndex: 1, trial: 'a' })].map((nodes) => nodes.at(-1)!.spanId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('spans above calls', () => {
  it('reach from the first to the last of what went on inside', () => {
    const { parents, shown } = collecting();
    parents.touch(path({ trial: 't', branch: 'x' }), 20, 30);
    parents.touch(path({ trial: 't', branch: 'y' }), 10, 15);
    parents.touch(path({ trial: 't', branch: 'y' }), 35, 60);
    parents.endAll();
    expect(shown().toSorted()).toEqual(['branch x 20–30', 'branch y 10–60', 'run 10–60', 'trial t 10–60']);
    expect(parents.openCount).toBe(0);
  });

  it('end with all that is open inside, each once, and are not opened again by what settles late', () => {
    const { parents, shown } = collecting();
    parents.touch(path({ goalIndex: 1, trial: 't', branch: 'x' }), 10, 20);
    parents.end(path({ goalIndex: 1 }), { startMs: 5, endMs: 25, name: 'goal probes.x' });
    expect(shown()).toEqual(['branch x 10–20', 'trial t 10–20', 'goal probes.x 5–25']);
    parents.touch(path({ goalIndex: 1, trial: 't', branch: 'x' }), 10, 40);
    parents.end(path({}), { endMs: 50 });
    expect(shown().slice(3)).toEqual(['run 5–50']);
  });

  it('are left to whoever leads them', () => {
    const { parents, shown } = collecting({ mine: ({ level }) => level === 'branch' });
    parents.touch(path({ goalIndex: 1, trial: 't', branch: 'x' }), 10, 20);
    parents.endAll();
    expect(shown()).toEqual(['branch x 10–20']);
  });

  it('are few at a time, however many there are: the one that is longest without a call goes first', () => {
    const { parents, spans } = collecting({ mostOpen: 10 });
    for (let i = 0; i < 1_000; i++) {
      parents.touch(path({ trial: `t${i}` }), i, i + 1);
      parents.touch(path({ trial: 'busy' }), i, i + 1);
      expect(parents.openCount).toBeLessThanOrEqual(10);
    }
    parents.endAll();
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(1_002);
    expect(spans).toHaveLength(1_002);
    expect(spans.find(({ name }) => name === 'trial busy')).toMatchObject({ startMs: 0, endMs: 1_000 });
  });
});
