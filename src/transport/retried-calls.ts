import { createHash } from 'node:crypto';
import { systemClock, type Clock, type Scope } from '../core/index.ts';
import { saysWhichTry, type DescribedCall } from './describe-call.ts';
import type { Breakage } from './fate.ts';

/** A try that failed, and may be made once more. */
interface FailedTry {
  readonly logicalId: string;
  readonly retry: number;
  readonly at: number;
}

/** Clients wait as long as a provider asks them to, which is a minute at most for a quota of minutes. */
const LONGEST_PAUSE_MS = 120_000;
/** Most that fail are tried again or given up soon. */
const MOST_FAILED = 1_000;

/**
 * Finds out which calls of others are further tries of one that failed. Some SDKs say so (`x-stainless-retry-count`); of the others (the AI SDK,
 * LangChain, undici's `RetryAgent`, loops of a program's own) it is known by the same request being sent again in the same scope after it failed
 * in a way that is worth another try. A program that means to ask the same thing anew just after it failed cannot be told from one that retries.
 *
 * As long as nothing fails this costs nothing.
 */
export class RetriedCalls {
  readonly #clock: Pick<Clock, 'now'>;
  /** The longest failed first. */
  readonly #failed = new Map<string, FailedTry[]>();

  constructor(clock: Pick<Clock, 'now'> = systemClock) {
    this.#clock = clock;
  }

  /**
   * Takes a call that is about to leave.
   *
   * @param body its request as the caller made it
   * @returns which try of what it is, and what to call when it fails so that it may be tried again
   */
  begin(call: DescribedCall, scope: Scope, body: string | Uint8Array): Pick<DescribedCall, 'logicalId' | 'retry'> & { readonly failed: () => void } {
    const said = saysWhichTry(call.headers);
    const before = this.#failed.size === 0 ? undefined : this.#take(keyOf(call, scope, body), said ? call.retry - 1 : undefined);
    const logicalId = before?.logicalId ?? call.logicalId;
    const retry = said || before === undefined ? call.retry : before.retry + 1;
    return { logicalId, retry, failed: () => this.#add(keyOf(call, scope, body), { logicalId, retry, at: this.#clock.now() }) };
  }

  #take(key: string, retry: number | undefined): FailedTry | undefined {
    const tries = this.#failed.get(key);
    if (tries === undefined) return undefined;
    const since = this.#clock.now() - LONGEST_PAUSE_MS;
    const recent = tries.filter(({ at }) => at >= since);
    const index = retry === undefined ? 0 : recent.findIndex((failed) => failed.retry === retry);
    const taken = index === -1 ? undefined : recent.splice(index, 1)[0];
    if (recent.length === 0) this.#failed.delete(key);
    else this.#failed.set(key, recent);
    return taken;
  }

  #add(key: string, failed: FailedTry): void {
    const tries = this.#failed.get(key) ?? [];
    this.#failed.delete(key);
    this.#failed.set(key, [...tries, failed]);
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > MOST_FAILED) this.#failed.delete(oldest!);
  }
}

/**
 * Whether a call that ended so may be tried again: throttled, failed at the provider or on the way, or out of time. What the caller gave up is
 * not.
 */
export function mayBeRetried(httpStatus: number | null, breakage: Breakage | undefined): boolean {
  if (httpStatus === null || httpStatus < 300) return breakage === 'connection' || breakage === 'timeout';
  return httpStatus === 408 || httpStatus === 409 || httpStatus === 429 || httpStatus >= 500;
}

function keyOf({ url }: DescribedCall, scope: Scope, body: string | Uint8Array): string {
  return createHash('sha1').update(`${JSON.stringify(scope)}\n${url}\n`).update(body).digest('base64');
}
