import type { SpanAttributes, SpanDraft } from './contract.ts';
import { ASSAY } from './gen-ai.ts';
import { scopeAttributes, type ScopeNode } from './scope-path.ts';

export interface ParentSpansOptions {
  readonly emit: (span: SpanDraft) => void;
  /** Whether a span is this process's to export, where nobody said how it ended. */
  readonly mine: (node: ScopeNode) => boolean;
  /** Spans that are open at once, at most: beyond, the one that was longest without a call is exported as it stands. */
  readonly mostOpen?: number;
}

/** What is known of a span at its end. */
export interface ParentEnd {
  readonly startMs?: number;
  readonly endMs?: number;
  readonly name?: string;
  readonly attributes?: SpanAttributes;
  readonly error?: SpanDraft['error'];
}

interface OpenSpan {
  readonly node: ScopeNode;
  readonly parent: OpenSpan | undefined;
  readonly inside: Set<OpenSpan>;
  startMs: number;
  endMs: number;
}

const MOST_OPEN = 10_000;
/** Ended spans that are remembered, so that a call that settles late does not open them again. */
const MOST_ENDED = 4_096;

/** The spans above the calls: open from the first thing that happens inside them until they end, or until all is closed. */
export class ParentSpans {
  readonly #options: ParentSpansOptions;
  /** By span id, the one that was touched last at the end. */
  readonly #open = new Map<string, OpenSpan>();
  readonly #ended = new Set<string>();

  constructor(options: ParentSpansOptions) {
    this.#options = options;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Says that something went on inside, at the end of a path, between two times. */
  touch(path: readonly ScopeNode[], startMs: number, endMs: number): void {
    let parent: OpenSpan | undefined;
    for (const node of path) {
      if (this.#ended.has(node.spanId)) {
        parent = undefined;
        continue;
      }
      parent = this.#extend(node, parent, startMs, endMs);
    }
    this.#makeRoom();
  }

  /** Exports the end of a path with what is known of it, and before that all that is open inside. */
  end(path: readonly ScopeNode[], known: ParentEnd): void {
    const node = path.at(-1);
    if (node === undefined) return;
    const open = this.#open.get(node.spanId);
    const startMs = Math.min(known.startMs ?? Infinity, open?.startMs ?? Infinity);
    const endMs = Math.max(known.endMs ?? -Infinity, open?.endMs ?? -Infinity);
    if (open !== undefined) this.#take(open, (inside) => this.#emitOwn(inside));
    this.#remember(node.spanId);
    if (!Number.isFinite(startMs) || !Number.isFinite(endMs)) return;
    this.touch(path.slice(0, -1), startMs, endMs);
    this.#options.emit(draft(node, { ...known, startMs, endMs: Math.max(startMs, endMs) }));
  }

  /** Exports all that is open, with the extent of what went on inside. */
  endAll(): void {
    for (const open of this.#open.values()) this.#emitOwn(open);
    this.#open.clear();
  }

  #extend(node: ScopeNode, parent: OpenSpan | undefined, startMs: number, endMs: number): OpenSpan {
    let open = this.#open.get(node.spanId);
    if (open === undefined) {
      open = { node, parent, inside: new Set(), startMs, endMs };
      parent?.inside.add(open);
    } else {
      open.startMs = Math.min(open.startMs, startMs);
      open.endMs = Math.max(open.endMs, endMs);
      this.#open.delete(node.spanId);
    }
    this.#open.set(node.spanId, open);
    return open;
  }

  #makeRoom(): void {
    const { mostOpen = MOST_OPEN } = this.#options;
    while (this.#open.size > mostOpen) {
      // The innermost one first: others still get their extent from what is inside.
      const oldest = this.#open.values().find((open) => open.inside.size === 0);
      if (oldest === undefined) return;
      this.#take(oldest, () => {});
      this.#emitOwn(oldest);
    }
  }

  /** Takes a span out, and those inside it, which are handed over. */
  #take(open: OpenSpan, each: (inside: OpenSpan) => void): void {
    for (const inside of open.inside) {
      this.#take(inside, each);
      each(inside);
      this.#remember(inside.node.spanId);
    }
    open.parent?.inside.delete(open);
    this.#open.delete(open.node.spanId);
  }

  #emitOwn(open: OpenSpan): void {
    if (this.#options.mine(open.node)) this.#options.emit(draft(open.node, { startMs: open.startMs, endMs: open.endMs }));
  }

  #remember(spanId: string): void {
    this.#ended.add(spanId);
    if (this.#ended.size <= MOST_ENDED) return;
    const [oldest] = this.#ended;
    if (oldest !== undefined) this.#ended.delete(oldest);
  }
}

function draft(node: ScopeNode, known: ParentEnd & { readonly startMs: number; readonly endMs: number }): SpanDraft {
  return {
    traceId: node.traceId,
    spanId: node.spanId,
    ...(node.parentSpanId === undefined ? {} : { parentSpanId: node.parentSpanId }),
    name: known.name ?? nameOf(node),
    kind: 'internal',
    startMs: known.startMs,
    endMs: known.endMs,
    attributes: { ...scopeAttributes(node.scope), ...(node.scope.runId === undefined ? { [ASSAY.run]: 'unattributed' } : {}), ...known.attributes },
    ...(known.error === undefined ? {} : { error: known.error }),
  };
}

function nameOf({ level, label, scope }: ScopeNode): string {
  if (level === 'run') return scope.runId === undefined ? 'unattributed' : 'run';
  return `${level} ${label}`;
}
