import { randomUUID } from 'node:crypto';
import { AssayError, CancelledError, type Clock, type Random, systemRandom } from '../core/index.ts';
import { MOST_CONCURRENCY } from './adaptive-concurrency.ts';
import type { AdmitRequest, DeploymentStats, Limiter, Limits, QuotaAlert, Reservation } from './contract.ts';
import { DeploymentBooks } from './deployment-books.ts';
import { DeploymentLane } from './deployment-lane.ts';
import type { PastCall } from './replay.ts';
import type { SharedState } from './shared-state.ts';
import { memoryState, type StateStore } from './state-store.ts';
import type { Waiter } from './wait-queue.ts';

export interface LimiterOptions {
  readonly clock: Clock;
  /** Spreads pauses whose length the provider did not say. */
  readonly random?: Pick<Random, 'next'>;
  /** What is known of a deployment; asked once, when it is first used. */
  readonly limitsFor: (deployment: string) => Limits | undefined;
  /** State shared with other processes, from `openSharedState`; in this process's memory by default. The caller closes it. */
  readonly shared?: SharedState;
  /**
   * Deployments of which no limit is known keep their state in this process's memory, though others are shared: a decision costs a microsecond
   * there and a transaction elsewhere. What one process then learns of them (a pause, how much they bear) the others do not know.
   */
  readonly sharesLimitedOnly?: boolean;
  /** Calls to a deployment since a time, for replaying the last minute. */
  readonly history?: (deployment: string, sinceMs: number) => Promise<readonly PastCall[]>;
  /** Tokens a deployment has used since its quota period began. */
  readonly quotaUse?: (deployment: string, periodStartMs: number) => Promise<number>;
  /** Most calls in flight to a deployment of which no limit is known, 256 by default. */
  readonly defaultConcurrency?: number;
}

function isLimited(limits: Limits | undefined): boolean {
  return limits !== undefined && [limits.rps, limits.rpm, limits.tpm, limits.itpm, limits.otpm, limits.concurrency, limits.quota].some((limit) => limit !== undefined);
}

function requireFigures(request: AdmitRequest): void {
  for (const figure of [request.promptTokens, request.maxOutputTokens ?? 0, request.deadline ?? 0]) {
    if (Number.isNaN(figure)) throw new AssayError({ code: 'internal', message: `a token count or deadline for ${request.deployment} is not a number` });
  }
}

/**
 * Makes the limiter: every call to a model waits here for its turn.
 *
 * @example
 * const limiter = createLimiter({ clock: systemClock, limitsFor: () => ({ rpm: 600, tpm: 100_000 }) });
 * const place = await limiter.admit({ deployment, promptTokens: 120, maxOutputTokens: 400 });
 * try {
 *   place.settle({ promptTokens: 118, outputTokens: 230, costUsd: undefined });
 * } finally {
 *   place.release();
 * }
 */
export function createLimiter(options: LimiterOptions): Limiter {
  const { clock } = options;
  const memory = memoryState();
  const storeFor = (limits: Limits | undefined): StateStore => (options.shared === undefined || (options.sharesLimitedOnly === true && !isLimited(limits)) ? memory : options.shared);
  const holderId = randomUUID();
  const lanes = new Map<string, DeploymentLane>();
  const listeners = new Set<(alert: QuotaAlert) => void>();
  let closed: CancelledError | undefined;

  const laneOf = (deployment: string): DeploymentLane => {
    let lane = lanes.get(deployment);
    if (lane === undefined) {
      const limits = options.limitsFor(deployment);
      const books = new DeploymentBooks({
        deployment,
        holderId,
        clock,
        random: options.random ?? systemRandom,
        limits,
        mostConcurrency: options.defaultConcurrency ?? MOST_CONCURRENCY,
        store: storeFor(limits),
        onAlert: (alert) => {
          for (const listener of listeners) listener(alert);
        },
      });
      lane = new DeploymentLane({ clock, books, history: options.history, quotaUse: options.quotaUse, fallBack });
      lanes.set(deployment, lane);
    }
    return lane;
  };

  const join = (deployment: string, waiter: Waiter): void => {
    const lane = laneOf(deployment);
    const { signal, drain } = waiter.request;
    const signals = [signal, drain].filter((each) => each !== undefined && !each.aborted) as AbortSignal[];
    if (signals.length > 0) {
      const onAbort = (event: Event): void => lane.withdraw(waiter, new CancelledError({ cause: (event.target as AbortSignal).reason }));
      for (const each of signals) each.addEventListener('abort', onAbort, { once: true });
      waiter.unlisten = () => {
        for (const each of signals) each.removeEventListener('abort', onAbort);
      };
    }
    lane.enqueue(waiter);
  };

  const fallBack = (waiter: Waiter, to: string): void =>
    join(to, { ...waiter, left: [...waiter.left, waiter.request.deployment, to], headSince: undefined, gone: false });

  return {
    admit: (request) =>
      new Promise<Reservation>((resolve, reject) => {
        requireFigures(request);
        if (closed !== undefined) throw closed;
        if (request.signal?.aborted) throw new CancelledError({ cause: request.signal.reason });
        join(request.deployment, { request, queuedAt: clock.now(), left: [], resolve, reject, unlisten: () => {}, headSince: undefined, gone: false });
      }),
    charge: (deployment, actual) => laneOf(deployment).charge(actual),
    countsTokens: (deployment, about) => laneOf(deployment).books.countsTokens(about),
    observe: (signal) => laneOf(signal.deployment).books.observe(signal),
    stats: () => Array.from(lanes.values(), (lane) => lane.books.stats(lane.waiting)),
    statsOf: (deployment): DeploymentStats => {
      const lane = laneOf(deployment);
      return lane.books.stats(lane.waiting);
    },
    onQuotaAlert: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: async () => {
      closed ??= new CancelledError({ message: 'the limiter is closed' });
      for (const lane of lanes.values()) lane.close(closed);
    },
  };
}
