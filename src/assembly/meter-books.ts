import { basename, isAbsolute, resolve } from 'node:path';
import { loadConfig, parseConfig, type AssayConfig } from '../config/index.ts';
import { describeError, parseJson, resolveEnv, systemClock, UsageError, type CallSettlement, type Clock, type Env, type JsonObject, type Run, type RunStatus, type Scope } from '../core/index.ts';
import { holdLease, type HeldLease } from '../engine/index.ts';
import { Budget, type AdmitRequest } from '../limiter/index.ts';
import { thisProcess, type WriteOp } from '../store/index.ts';
import { telemetrySettings } from '../telemetry/index.ts';
import type { KnownPlace, MeterDeps } from '../transport/index.ts';
import { Assembly } from './assembly.ts';
import { knownPlaces } from './known-places.ts';

export interface MeterBooksOptions {
  /** The run to record, or `undefined` where the calls belong to a run that another process leads. */
  readonly ownRun: { readonly id: string; readonly name: string | undefined } | undefined;
  /** What of the calls' scopes another process leads. */
  readonly inherited: Scope | undefined;
  readonly db: string | undefined;
  /** A file, a configuration, or `undefined` for what stands in the working folder. */
  readonly config: string | JsonObject | undefined;
  /** Of the moment when the meter was installed: a program may go elsewhere since. */
  readonly cwd: string;
  readonly env: Env;
}

/** The store and the rest behind a meter, opened when they are first needed. */
export interface MeterBooks {
  readonly deps: MeterDeps;
  /** Endpoints that the configuration names. */
  readonly places: readonly KnownPlace[];
  readonly budgets: readonly Budget[];
  /** Enters how calls of a thread that is gone ended, where it did not do so itself. */
  settle(settlements: readonly CallSettlement[]): Promise<void>;
  /** Commits what waits to be committed and says how the program ended. A program that goes on afterwards may finish again. */
  finish(status: RunStatus, reason: string | null): Promise<void>;
  /** The same, before it returns, for the last moment of a process. */
  finishNow(status: RunStatus, reason: string | null): void;
  close(): Promise<void>;
}

/** As the system's, but its timers do not keep the process alive. */
const unheldClock: Clock = {
  now: () => systemClock.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** Opens the books, and records the run where there is one to record. */
export async function openMeterBooks(options: MeterBooksOptions): Promise<MeterBooks> {
  const { cwd, env, ownRun } = options;
  const config = withUsableTelemetry(await configOf(options), env);
  const location = absolute(options.db ?? nonEmpty(env['ASSAY_DB']) ?? resolveEnv(config.store, env, 'store'), cwd);
  const assembly = await Assembly.open({ config, location, env, cwd, limitsEverywhere: true, sharesLimitedOnly: true, ...(options.inherited === undefined ? {} : { inherited: options.inherited }) });
  try {
    const lease = ownRun === undefined ? undefined : await recordRun(assembly, ownRun);
    return new OpenBooks(assembly, ownRun?.id, lease, config);
  } catch (error) {
    await assembly.close().catch(() => {});
    throw error;
  }
}

class OpenBooks implements MeterBooks {
  readonly deps: MeterDeps;
  readonly places: readonly KnownPlace[];
  readonly budgets: readonly Budget[];
  readonly #assembly: Assembly;
  readonly #runId: string | undefined;
  readonly #lease: OwnLease | undefined;

  constructor(assembly: Assembly, runId: string | undefined, lease: OwnLease | undefined, config: AssayConfig) {
    this.#assembly = assembly;
    this.#runId = runId;
    this.#lease = lease;
    this.deps = config.budgets.usd === undefined || runId === undefined ? assembly.meter : pricedOnly(assembly.meter);
    this.places = knownPlaces(config, assembly.env);
    // A run that another process leads is capped there. A budget costs an exact count of each prompt.
    this.budgets = runId === undefined || Object.keys(config.budgets).length === 0 ? [] : [new Budget(config.budgets)];
  }

  async settle(settlements: readonly CallSettlement[]): Promise<void> {
    const { store } = this.#assembly;
    // What the thread had put on record goes first.
    await store.recover();
    await store.write(...settlements.map((settlement) => ({ op: 'call.settle', settlement }) as const));
  }

  async finish(status: RunStatus, reason: string | null): Promise<void> {
    const end = this.#end(status, reason);
    if (end.length > 0) await this.#assembly.store.write(...end);
    await this.#assembly.telemetry?.flush();
  }

  finishNow(status: RunStatus, reason: string | null): void {
    const { store } = this.#assembly;
    const end = this.#end(status, reason);
    if (end.length > 0) store.write(...end).catch(() => {});
    store.flushNow();
    this.#assembly.telemetry?.abandon();
  }

  async close(): Promise<void> {
    await this.#lease?.release();
    await this.#assembly.close();
  }

  /** A run that was taken over is the other's to end. */
  #end(status: RunStatus, reason: string | null): WriteOp[] {
    const { clock } = this.#assembly;
    return this.#runId === undefined || this.#lease?.lost === true ? [] : statusOps(this.#runId, { status, reason, endedAt: Math.round(clock.now()) }, clock);
  }
}

interface OwnLease {
  readonly lost: boolean;
  release(): Promise<void>;
}

async function recordRun(assembly: Assembly, { id, name }: { readonly id: string; readonly name: string | undefined }): Promise<OwnLease> {
  const { store, clock, config, cwd, env } = assembly;
  const now = Math.round(clock.now());
  const run: Run = {
    id,
    status: 'pending',
    reason: null,
    name: name ?? nonEmpty(env['ASSAY_RUN_NAME']) ?? (process.argv[1] === undefined ? null : basename(process.argv[1])),
    suites: ['experiments'],
    targets: [],
    config: JSON.parse(JSON.stringify({ config, inputs: [], cwd })) as JsonObject,
    seed: config.seed,
    engagement: null,
    simulated: false,
    planned: 0,
    resumes: 0,
    createdAt: now,
    startedAt: null,
    endedAt: null,
  };
  await store.write({ op: 'run.insert', run });
  const own = { lost: false };
  const lease: HeldLease = await holdLease(store, id, thisProcess(), unheldClock, () => void (own.lost = true));
  await store.write(...statusOps(id, { status: 'running', reason: null, startedAt: now }, clock));
  return {
    get lost() {
      return own.lost;
    },
    release: () => lease.release(),
  };
}

function statusOps(id: string, patch: { readonly status: RunStatus; readonly reason: string | null; readonly startedAt?: number; readonly endedAt?: number }, clock: Clock): WriteOp[] {
  const { status, reason } = patch;
  return [
    { op: 'run.update', id, patch },
    { op: 'event.add', event: { runId: id, at: Math.round(clock.now()), type: 'run.status', data: { status, reason } } },
  ];
}

async function configOf({ config: given, cwd, env }: MeterBooksOptions): Promise<AssayConfig> {
  const config = typeof given === 'object' ? parseConfig(given, { file: 'the meter’s config' }) : (await loadConfig({ cwd, ...(given === undefined ? {} : { file: given }) })).config;
  // Under `assay exec` what that was told of telemetry holds here too.
  const telemetry = nonEmpty(env['ASSAY_TELEMETRY']);
  return telemetry === undefined ? config : parseConfig({ ...config, telemetry: parseJson(telemetry) }, { file: 'ASSAY_TELEMETRY' });
}

/** Telemetry that cannot be exported is no reason not to count. */
function withUsableTelemetry(config: AssayConfig, env: Env): AssayConfig {
  try {
    telemetrySettings(config.telemetry, env);
    return config;
  } catch (error) {
    process.stderr.write(`assay: warning: telemetry is not exported: ${describeError(error)}\n`);
    return { ...config, telemetry: { ...config.telemetry, enabled: false } };
  }
}

function absolute(location: string, cwd: string): string {
  const path = /^sqlite:(?!\/\/)(.+)$/.exec(location)?.[1];
  return path === undefined || path === ':memory:' || isAbsolute(path) ? location : `sqlite:${resolve(cwd, path)}`;
}

/** A budget of dollars holds only where a call's price is known before it leaves. */
function pricedOnly(meter: MeterDeps): MeterDeps {
  const { limiter } = meter;
  return {
    ...meter,
    limiter: {
      admit: async (request: AdmitRequest) => {
        if (request.usdFor?.(1, 1) === undefined) {
          throw new UsageError({
            code: 'config',
            message: `a budget in dollars cannot be kept: no price is known for ${request.deployment}`,
            hint: 'set it under prices: in the config, or cap tokens instead (budgets.tokens)',
          });
        }
        return limiter.admit(request);
      },
      observe: (signal) => limiter.observe(signal),
      charge: (deployment, actual) => limiter.charge(deployment, actual),
      countsTokens: (deployment, about) => limiter.countsTokens(deployment, about),
    },
  };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}
