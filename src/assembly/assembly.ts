import { describeError, resolveEnv, systemClock, type CallIntent, type CallSettlement, type Clock, type Env, type Scope } from '../core/index.ts';
import { collectSecrets, limitsFor, type AssayConfig } from '../config/index.ts';
import { Ledger, priceTable, type PriceTable } from '../ledger/index.ts';
import { createLimiter, openSharedState, type Budget, type Limiter, type Limits, type SharedState } from '../limiter/index.ts';
import { openTarget, type Target } from '../models/index.ts';
import { createRedactor, openStore, type Redactor, type Store } from '../store/index.ts';
import { openTelemetry, telemetrySettings, type Telemetry } from '../telemetry/index.ts';
import { Places, Transport, type MeterDeps } from '../transport/index.ts';
import { knownPlaces } from './known-places.ts';
import { withHabits } from './provider-limits.ts';
import { SimulatorHost } from './simulator-host.ts';
import { Warnings } from './warnings.ts';

export interface AssemblyOptions {
  readonly config: AssayConfig;
  /** `sqlite:PATH`; the config's own by default. */
  readonly location?: string;
  readonly env?: Env;
  readonly cwd?: string;
  readonly clock?: Clock;
  /** Whether the configuration's own `limits` are every deployment's, as where others choose what is called; the targets' alone by default. */
  readonly limitsEverywhere?: boolean;
  /** Whether deployments of which no limit is known are each process's own affair; processes that use the same store share them by default. */
  readonly sharesLimitedOnly?: boolean;
  /** What of the calls' scopes another process leads: it exports the spans of these. */
  readonly inherited?: Scope;
}

type SettledListener = (intent: CallIntent, settlement: CallSettlement) => void;

/** Assay's parts put together for one configuration: store, ledger, limiter, transport, and the way to targets. */
export class Assembly {
  readonly config: AssayConfig;
  readonly store: Store;
  readonly limiter: Limiter;
  readonly ledger: Ledger;
  readonly transport: Transport;
  readonly prices: PriceTable;
  readonly clock: Clock;
  /** Names the deployments of calls that others make: taps and the gateway. */
  readonly places: Places;
  readonly env: Env;
  readonly cwd: string;
  readonly simulator: SimulatorHost;
  /** Takes the secrets that Assay was given out of what is shown. The store does so by itself. */
  readonly redact: Redactor;
  /** What is exported, where anything is. */
  readonly telemetry: Telemetry | undefined;
  readonly #warnings: Warnings;
  readonly #targetDeployments: Set<string>;
  readonly #listeners: Set<SettledListener>;
  readonly #shared: SharedState | undefined;

  private constructor(parts: {
    readonly options: AssemblyOptions;
    readonly store: Store;
    readonly limiter: Limiter;
    readonly ledger: Ledger;
    readonly transport: Transport;
    readonly prices: PriceTable;
    readonly clock: Clock;
    readonly targetDeployments: Set<string>;
    readonly listeners: Set<SettledListener>;
    readonly shared: SharedState | undefined;
    readonly redact: Redactor;
    readonly telemetry: Telemetry | undefined;
    readonly warnings: Warnings;
  }) {
    this.config = parts.options.config;
    this.store = parts.store;
    this.limiter = parts.limiter;
    this.ledger = parts.ledger;
    this.transport = parts.transport;
    this.places = new Places(knownPlaces(parts.options.config, parts.options.env ?? process.env));
    this.prices = parts.prices;
    this.clock = parts.clock;
    this.env = parts.options.env ?? process.env;
    this.cwd = parts.options.cwd ?? process.cwd();
    this.simulator = new SimulatorHost(this.config, this.env);
    this.#targetDeployments = parts.targetDeployments;
    this.#listeners = parts.listeners;
    this.#shared = parts.shared;
    this.redact = parts.redact;
    this.telemetry = parts.telemetry;
    this.#warnings = parts.warnings;
  }

  /** Opens the store and puts the rest together. Nothing is sent. */
  static async open(options: AssemblyOptions): Promise<Assembly> {
    const { config } = options;
    const env = options.env ?? process.env;
    const clock = options.clock ?? systemClock;
    const location = options.location ?? resolveEnv(config.store, env, 'store');
    const redact = createRedactor(collectSecrets(config, env));
    const settings = telemetrySettings(config.telemetry, env);
    const opened = await openStore(location, { redact, durability: config.durability });
    const warnings = new Warnings();
    const { inherited } = options;
    const telemetry =
      settings === undefined
        ? undefined
        : await openTelemetry({ settings, store: opened, clock, redact, warn: (line) => warnings.tell(line), ...(inherited === undefined ? {} : { inherited }) });
    const store = telemetry?.watch(opened) ?? opened;
    const targetDeployments = new Set<string>();
    const listeners = new Set<SettledListener>();
    const shared = store.sharedStatePath === undefined ? undefined : openSharedState(store.sharedStatePath);
    const isTarget = (deployment: string): boolean => options.limitsEverywhere === true || targetDeployments.has(deployment);
    const limiter = createLimiter({
      clock,
      limitsFor: (deployment) => withHabits(deployment, limitsFor(config, deployment, { target: isTarget(deployment) })),
      ...(shared === undefined ? {} : { shared }),
      sharesLimitedOnly: options.sharesLimitedOnly ?? false,
      history: (deployment, since) => store.callsSince(deployment, since),
      quotaUse: (deployment, since) => store.tokensSince(deployment, since),
    });
    const ledger = new Ledger({
      store: opened,
      onSettled: (intent, settlement) => {
        telemetry?.callSettled(intent, settlement);
        for (const listener of listeners) listener(intent, settlement);
      },
    });
    const prices = priceTable(config.prices);
    const transport = new Transport({ limiter, ledger, prices, clock });
    return new Assembly({ options, store, limiter, ledger, transport, prices, clock, targetDeployments, listeners, shared, redact, telemetry, warnings });
  }

  /**
   * Opens targets by name; their deployments get the limits that the command line gave.
   *
   * @throws UsageError for the first that cannot be opened
   */
  async openTargets(specs: readonly string[], { budgets = [], drain }: { readonly budgets?: readonly Budget[]; readonly drain?: AbortSignal } = {}): Promise<Map<string, Target>> {
    const { config, env } = this;
    const targets = new Map<string, Target>();
    for (const spec of specs) {
      const target = await openTarget(
        spec,
        { settings: config.providers, env, ...(config.apiKeyEnv === undefined ? {} : { apiKeyEnv: config.apiKeyEnv }), simulator: () => this.simulator.place() },
        {
          transport: this.transport,
          budgets,
          ...(drain === undefined ? {} : { drain }),
          timeoutMs: config.timeoutSeconds * 1_000,
          retry: { tries: config.retry.tries, deadlineMs: config.retry.deadlineSeconds * 1_000, baseDelayMs: 500, maxDelayMs: 20_000 },
        },
      );
      targets.set(spec, target);
      this.#targetDeployments.add(target.deployment);
    }
    return targets;
  }

  /** The books that taps and the gateway enter calls in. */
  get meter(): MeterDeps {
    const { limiter, ledger, clock, prices } = this;
    return { limiter, ledger, clock, prices };
  }

  /** What is known of a deployment's limits. */
  limitsOf(deployment: string): Limits | undefined {
    return withHabits(deployment, limitsFor(this.config, deployment, { target: this.#targetDeployments.has(deployment) }));
  }

  /** Tells of every call that settles in this process; returns how to stop. */
  onSettled(listener: SettledListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells of what goes wrong beside the work; stderr is told where nobody listens. Returns how to stop. */
  onWarning(listener: (line: string) => void): () => void {
    return this.#warnings.listen(listener);
  }

  /** Closes everything. Reports what failed to close only when nothing else is at stake. */
  async close(): Promise<void> {
    const failures: string[] = [];
    for (const close of [() => this.transport.close(), async () => this.telemetry?.close(), () => this.simulator.close(), () => this.limiter.close(), () => this.store.close()]) {
      await close().catch((error: unknown) => failures.push(describeError(error)));
    }
    this.#shared?.close();
    if (failures.length > 0) throw new Error(`closing failed: ${failures.join('; ')}`);
  }
}
