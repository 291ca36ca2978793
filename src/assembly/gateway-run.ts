import { newRunId, type JsonObject, type Run } from '../core/index.ts';
import { executeRun, ProgressCounter, type Suite } from '../engine/index.ts';
import type { Gateway, Upstream } from '../gateway/index.ts';
import { Budget } from '../limiter/index.ts';
import { thisProcess } from '../store/index.ts';
import type { Assembly } from './assembly.ts';
import { openGatewayHost } from './gateway-host.ts';

export interface GatewayRunOptions {
  readonly host: string;
  readonly port: number;
  readonly accessTokens: readonly string[];
  /** Names of upstreams that the command line gave an address. */
  readonly said: ReadonlySet<string>;
  readonly name: string;
  readonly warn: (message: string) => void;
  /** Lines of the run itself, e.g. a quota's alerts. */
  readonly announce: (line: string) => void;
}

/** A gateway that serves, and the run that its calls are charged to. */
export interface GatewayRun {
  readonly run: Run;
  readonly gateway: Gateway;
  readonly upstreams: readonly Upstream[];
  readonly budget: Budget;
  /** Rejects where the run cannot be recorded any more; the gateway must not go on then. */
  readonly failed: Promise<never>;
  /** Ends the gateway and then its run, once calls under way are over or `graceMs` has passed, or `cut` aborts. */
  close(options: { readonly graceMs: number; readonly cut?: AbortSignal }): Promise<void>;
}

/** Whether a run is that of a gateway: there is nothing in it to go on with. */
export function isGatewayRun(run: Pick<Run, 'config'>): boolean {
  return run.config['gateway'] === true;
}

/**
 * Starts a gateway with a run of its own, which holds whatever it is asked for. It has no goals: trials are what callers say.
 *
 * @throws UsageError for an address, upstream or token that cannot be used; nothing is recorded then
 */
export async function startGatewayRun(assembly: Assembly, options: GatewayRunOptions): Promise<GatewayRun> {
  const { clock, config, store, limiter, cwd } = assembly;
  const now = Math.round(clock.now());
  const id = newRunId(now);
  const budget = new Budget(config.budgets);
  const { gateway, upstreams } = await openGatewayHost(assembly, { ...options, budget, unscoped: { runId: id } });
  const run: Run = {
    id,
    status: 'pending',
    reason: null,
    name: options.name,
    suites: ['experiments'],
    targets: [],
    config: JSON.parse(JSON.stringify({ config, inputs: [], cwd, gateway: true })) as JsonObject,
    seed: config.seed,
    engagement: null,
    simulated: upstreams.some((upstream) => upstream.simulated === true),
    planned: null,
    resumes: 0,
    createdAt: now,
    startedAt: null,
    endedAt: null,
  };
  const over = new AbortController();
  try {
    await store.write({ op: 'run.insert', run });
  } catch (error) {
    await gateway.close({ graceMs: 0 });
    throw error;
  }
  const never = new AbortController().signal;
  const progress = new ProgressCounter();
  const stopCounting = assembly.onSettled((intent, settlement) => progress.callSettled(intent, settlement));
  const ended = executeRun({
    store,
    clock,
    limiter,
    run,
    suites: [servingUntil(over.signal)],
    targetFor: () => {
      throw new Error('a gateway has no targets');
    },
    parallel: 1,
    onRateLimit: 'continue',
    retryErrors: false,
    holder: thisProcess(),
    drain: never,
    abort: never,
    progress,
    announce: options.announce,
  }).finally(stopCounting);
  const failed = new Promise<never>((_resolve, reject) => {
    ended.catch(reject);
  });
  failed.catch(() => {});
  return {
    run,
    gateway,
    upstreams,
    budget,
    failed,
    close: async ({ graceMs, cut }) => {
      const cutShort = new Promise<void>((resolve) => cut?.addEventListener('abort', () => resolve(), { once: true }));
      await Promise.race([gateway.close({ graceMs }), cutShort]);
      over.abort();
      await ended;
    },
  };
}

/** A plan that is open for as long as the gateway serves: its run is `running` until then, and completed without a goal. */
function servingUntil(over: AbortSignal): Suite {
  return {
    kind: 'experiments',
    // eslint-disable-next-line require-yield -- no goal is the point of it
    async *plan({ signal }) {
      await new Promise<void>((resolve) => {
        for (const each of [over, signal]) {
          if (each.aborted) resolve();
          each.addEventListener('abort', () => resolve(), { once: true });
        }
      });
    },
    execute: () => Promise.reject(new Error('a gateway has no goals')),
  };
}
