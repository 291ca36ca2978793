import { createHash } from 'node:crypto';
import { isObject, newId, parseJson, REPLAYED, stableStringify, type CallIntent, type Scope, type Usage } from '../core/index.ts';
import type { Store, StoredAnswer, WriteOp } from '../store/contract.ts';
import type { MeteredEnd } from '../transport/index.ts';

/** What decides an answer: who asks, where, and what. */
export interface AskedAgain {
  readonly scope: Scope;
  readonly upstream: string;
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly body: string;
}

/** The answers of one run that are kept, and which of them were given. */
export class ReplayBook {
  readonly #store: Pick<Store, 'answer' | 'answerCounts'>;
  readonly #runId: string;
  #kept: Promise<Map<string, number>> | undefined;
  /** By key: answers of earlier lives that were there when this book was opened. */
  #before = new Map<string, number>();
  /** By key: how many of them were given, or passed over. */
  readonly #given = new Map<string, number>();
  /** By key: number of the next answer that is kept. */
  readonly #next = new Map<string, number>();

  constructor(store: Pick<Store, 'answer' | 'answerCounts'>, runId: string) {
    this.#store = store;
    this.#runId = runId;
  }

  /**
   * The next answer to a request that was not given yet. Each is given once, however many ask at the same time.
   *
   * @param give without it the request is answered anew; it still uses up its turn
   */
  async next(key: string, { give }: { readonly give: boolean }): Promise<StoredAnswer | undefined> {
    this.#kept ??= this.#store.answerCounts(this.#runId).catch((error: unknown) => {
      this.#kept = undefined;
      throw error;
    });
    this.#before = await this.#kept;
    const occurrence = this.#given.get(key) ?? 0;
    if (occurrence >= (this.#before.get(key) ?? 0)) return undefined;
    this.#given.set(key, occurrence + 1);
    if (!give) return undefined;
    return this.#store.answer({ runId: this.#runId, key, occurrence });
  }

  /** What keeps an answer, to be committed with its call. Call it after `next`. */
  keep(key: string, end: MeteredEnd, at: number): readonly WriteOp[] {
    if (end.httpStatus === null || (end.status !== 'ok' && end.status !== 'blocked')) return [];
    const occurrence = this.#next.get(key) ?? this.#before.get(key) ?? 0;
    this.#next.set(key, occurrence + 1);
    const { callId, httpStatus, body } = end;
    return [{ op: 'answer.put', answer: { runId: this.#runId, key, occurrence, callId, httpStatus, headers: worthKeeping(end.headers), body, at: Math.round(at) } }];
  }
}

/** The same for requests that must have the same answer: same scope, same address, same JSON whatever its key order and spaces. */
export function answerKey({ scope, upstream, method, path, body }: AskedAgain): string {
  const { goalIndex, trial, branch, role, phase } = scope;
  const parts = [goalIndex ?? null, trial ?? null, branch ?? null, role ?? null, phase ?? null, upstream, method, withoutKey(path)];
  return createHash('sha256').update(JSON.stringify(parts)).update('\n').update(canonical(body)).digest('hex');
}

/** Numbers this long lose digits when they are read, and two of them would look the same. */
const LONG_NUMBER = /\d{16}/;

function canonical(body: string): string {
  const parsed = LONG_NUMBER.test(body) ? undefined : parseJson(body);
  return isObject(parsed) || Array.isArray(parsed) ? stableStringify(parsed) : body;
}

/** A key in the query says who pays, not what is asked. */
function withoutKey(path: string): string {
  const query = path.indexOf('?');
  if (query === -1) return path;
  const kept = path.slice(query + 1).split('&').filter((part) => !part.startsWith('key='));
  return kept.length === 0 ? path.slice(0, query) : `${path.slice(0, query)}?${kept.join('&')}`;
}

/** Of the connection, of the body as it was sent, of the moment, or of somebody's session. */
const PASSING = /^(?:connection|keep-alive|transfer-encoding|trailer|te|upgrade|proxy-.*|content-length|content-encoding|date|age|set-cookie|alt-svc|retry-after.*|(?:x-|anthropic-)?ratelimit-.*|x-assay-.*)$/;

function worthKeeping(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !PASSING.test(name)));
}

/** Nothing left, so nothing was used: these zeros are known. */
const NOTHING_USED: Usage = { inputFresh: 0, cacheRead: 0, cacheWrite: 0, outputText: 0, reasoning: 0, source: 'reported' };

/** The row of a request that is answered from the store. */
export function replayedIntent(call: Omit<CallIntent, 'id' | 'via' | 'target' | 'queuedAt' | 'sentAt' | 'waitedMs' | 'reservedTokens'>, at: number): CallIntent {
  const now = Math.round(at);
  return { ...call, id: newId(), target: null, via: 'gateway', queuedAt: now, sentAt: now, waitedMs: 0, reservedTokens: 0 };
}

/** What became of it. */
export function replayedFate(answer: Pick<StoredAnswer, 'httpStatus'>) {
  return {
    status: REPLAYED,
    httpStatus: answer.httpStatus,
    modelAnswered: null,
    usage: NOTHING_USED,
    costUsd: 0,
    firstTokenMs: null,
    totalMs: 0,
    finishReason: null,
    requestId: null,
    error: null,
  } as const;
}
