import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { nearest } from '../config/index.ts';
import { describeError, type Goal } from '../core/index.ts';
import { startConnectWatcher, type ConnectWatcher, type ReportedScore } from '../gateway/index.ts';
import { currentScope } from '../ledger/index.ts';
import type { Budget } from '../limiter/index.ts';
import { modelVendor } from '../protocols/index.ts';
import { startCommand, type CommandScore, type CommandTrial, type LineSink, type RunningCommand, type TrialEnd } from '../suites/index.ts';
import type { Assembly } from './assembly.ts';
import { commandEnvironment, proxyChoice } from './exec-environment.ts';
import { UPSTREAMS_WITH_VARIABLES } from './exec-variables.ts';
import { openGatewayHost, type GatewayHost } from './gateway-host.ts';

export interface ExecHostOptions {
  readonly run: string;
  readonly budget: Budget;
  /** Names of upstreams that the command line gave an address. */
  readonly said: ReadonlySet<string>;
  /** Working folder of the commands. */
  readonly cwd: string;
  /** `off`: answers are neither kept nor given again. */
  readonly replay: 'off' | 'keep' | 'look up';
  /** `inherit` for one command in front; else where the lines of a trial go. */
  readonly output: 'inherit' | ((trial: string) => LineSink);
  /** Says something to whoever watches, once each. */
  readonly warn: (message: string) => void;
  /** Told of each command that ended, before its outcome is recorded. */
  readonly onEnd?: (trial: string, end: TrialEnd) => Promise<void>;
}

/** Milliseconds that a command which is to end now has before it is killed. */
const KILL_GRACE_MS = 5_000;
/** Milliseconds that calls under way have when the command that made them has ended. */
const CALLS_GRACE_MS = 10_000;

/** Runs commands behind a gateway: their model calls are counted, limited, and charged to their trials. */
export class ExecHost {
  readonly #assembly: Assembly;
  readonly #options: ExecHostOptions;
  readonly #host: GatewayHost;
  readonly #watcher: ConnectWatcher | undefined;
  readonly #notices: string | undefined;
  readonly #running = new Map<RunningCommand, { signalled: boolean; ended: boolean }>();
  /** Aborts when nobody wants to wait for calls any more whose commands have ended. */
  readonly #hurry = new AbortController();

  private constructor(assembly: Assembly, options: ExecHostOptions, host: GatewayHost, watcher: ConnectWatcher | undefined, notices: string | undefined) {
    this.#assembly = assembly;
    this.#options = options;
    this.#host = host;
    this.#watcher = watcher;
    this.#notices = notices;
  }

  /** Starts the gateway and the watcher. */
  static async open(assembly: Assembly, options: ExecHostOptions): Promise<ExecHost> {
    // Only the tokens in the scopes' addresses let in: nobody is told this one.
    const host = await openGatewayHost(assembly, { budget: options.budget, said: options.said, accessTokens: [randomBytes(24).toString('base64url')], warn: options.warn });
    try {
      tellOwnUpstreams(options, host);
      // Without a place for temporary files what is to be said once is not said at all.
      const notices = await mkdtemp(join(tmpdir(), 'assay-exec-')).catch(() => undefined);
      return new ExecHost(assembly, options, host, await openWatcher(assembly, options, host), notices);
    } catch (error) {
      await host.gateway.close({ graceMs: 0 });
      throw error;
    }
  }

  /** Whether any answer comes from a simulator. */
  get simulated(): boolean {
    return this.#host.upstreams.some((upstream) => upstream.simulated === true);
  }

  /** Tunnels to model hosts past the gateway. */
  get reached(): ReadonlyMap<string, number> {
    return this.#watcher?.reached ?? new Map();
  }

  /** Runs a trial's command to its end, charged to the scope that this is called in. */
  async run(trial: CommandTrial, goal: Goal, signal: AbortSignal): Promise<TrialEnd> {
    const { clock } = this.#assembly;
    const { onEnd, run, replay } = this.#options;
    const { gateway, meter, scopeOptions } = this.#host;
    const scores = new Map<string, CommandScore>();
    const scope = gateway.openScope(
      {},
      {
        ...scopeOptions,
        ...(replay === 'off' ? {} : { replay: { runId: run, lookUp: replay === 'look up' } }),
        onScore: ({ name, value, threshold, reason }: ReportedScore) => void scores.set(name, { name, value, threshold, reason }),
      },
    );
    try {
      signal.throwIfAborted();
      const startedAt = Math.round(clock.now());
      const command = await this.#start(trial, scope);
      const state = { signalled: false, ended: false };
      this.#running.set(command, state);
      const stopEnding = this.#endOnAbort(command, signal);
      try {
        const end = await command.ended;
        state.ended = true;
        await this.#settleCalls(trial, goal);
        const ended: TrialEnd = { ...end, startedAt, endedAt: Math.round(clock.now()), scores: [...scores.values()], refusal: meter.refusal(goal.index), cancelled: state.signalled };
        await onEnd?.(trial.name, ended);
        return ended;
      } finally {
        stopEnding();
        this.#running.delete(command);
      }
    } finally {
      scope.close();
      meter.forget(goal.index);
    }
  }

  /**
   * Tells all commands that a signal came. Those whose group is this process's own have it already where a terminal sent it. Where all
   * have ended it is meant for this process: calls that they left under way are not waited for any longer.
   *
   * @param options.heard whether they have
   */
  signal(signal: NodeJS.Signals, { heard }: { readonly heard: boolean }): void {
    const running = [...this.#running].filter(([, state]) => !state.ended);
    for (const [command, state] of running) {
      state.signalled = true;
      if (!heard) command.kill(signal);
    }
    if (running.length === 0) this.#hurry.abort();
  }

  async close(): Promise<void> {
    // Every trial's calls had their time when its command ended.
    await this.#host.gateway.close({ graceMs: 0 });
    await this.#watcher?.close();
    if (this.#notices !== undefined) await rm(this.#notices, { recursive: true, force: true });
  }

  #start(trial: CommandTrial, scope: { readonly url: string; readonly baseUrl: (upstream: string) => string }): Promise<RunningCommand> {
    const { env, store, cwd: here } = this.#assembly;
    const { output, run, cwd } = this.#options;
    const environment = commandEnvironment({
      env,
      upstreams: this.#host.upstreams,
      gatewayUrl: this.#host.gateway.url,
      scopeUrl: scope.url,
      baseUrl: (upstream) => scope.baseUrl(upstream),
      scope: currentScope(),
      store: absolute(store.location, here),
      run,
      trial: trial.name,
      fields: trial.fields,
      ...(this.#notices === undefined ? {} : { notices: this.#notices }),
      ...(this.#assembly.telemetry === undefined ? {} : { telemetry: this.#assembly.config.telemetry }),
      ...(this.#watcher === undefined ? {} : { watcherUrl: this.#watcher.url }),
    });
    return startCommand(trial.command, { cwd, env: environment, output: output === 'inherit' ? 'inherit' : output(trial.name) });
  }

  #endOnAbort(command: RunningCommand, signal: AbortSignal): () => void {
    let cancel = (): void => {};
    const end = (): void => {
      command.kill('SIGTERM');
      cancel = this.#assembly.clock.after(KILL_GRACE_MS, () => command.kill('SIGKILL'));
    };
    signal.addEventListener('abort', end, { once: true });
    return () => {
      signal.removeEventListener('abort', end);
      cancel();
    };
  }

  /** What a command left running may still be answered; what takes longer is cut when the gateway closes. */
  async #settleCalls(trial: CommandTrial, goal: Goal): Promise<void> {
    const { meter } = this.#host;
    const { warn } = this.#options;
    // A connection that the command's end broke takes a moment to be noticed.
    if (await meter.quiet(goal.index, 250)) return;
    const calls = (count: number): string => (count === 1 ? '1 call' : `${count} calls`);
    warn(`${trial.name} has ended, and ${calls(meter.inFlight(goal.index))} of what it started ${meter.inFlight(goal.index) === 1 ? 'is' : 'are'} under way: waiting up to ${CALLS_GRACE_MS / 1_000} s`);
    if (!(await meter.quiet(goal.index, CALLS_GRACE_MS, this.#hurry.signal))) warn(`${calls(meter.inFlight(goal.index))} of ${trial.name} did not end in time; what runs on loses the gateway`);
  }
}

async function openWatcher({ env }: Assembly, { warn }: ExecHostOptions, { upstreams }: GatewayHost): Promise<ConnectWatcher | undefined> {
  const choice = proxyChoice(env);
  if (!choice.watch) return undefined;
  const served = new Set(upstreams.flatMap(({ url }) => URL.parse(url)?.hostname ?? []));
  try {
    return await startConnectWatcher({
      isModelHost: (host) => served.has(host) || modelVendor(host) !== undefined,
      onModelHost: (host) => warn(`${host} was reached past the gateway: what is asked there is not in the books, unless a Node program's meter entered it; point the program's base URL to the gateway (OPENAI_BASE_URL and the like are set)`),
      ...('proxy' in choice ? { proxy: choice.proxy } : {}),
    });
  } catch (error) {
    warn(`calls past the gateway are not watched for: ${describeError(error)}`);
    return undefined;
  }
}

/** A name of one's own has no variable that leads programs to it: it may be a slip, and then calls go where nobody meant them to. */
function tellOwnUpstreams({ said, warn }: ExecHostOptions, { upstreams }: GatewayHost): void {
  for (const { name } of upstreams) {
    if (!said.has(name) || UPSTREAMS_WITH_VARIABLES.has(name)) continue;
    const near = nearest(name, UPSTREAMS_WITH_VARIABLES);
    warn(`no variable leads programs to the upstream ${name}, they must ask at $ASSAY_SCOPE_URL/u/${name}${near === undefined ? '' : `; did you mean ${near}?`}`);
  }
}

/** A store's location for a program in another folder. */
function absolute(location: string, cwd: string): string {
  const path = /^sqlite:(.+)$/i.exec(location)?.[1];
  return path === undefined || path === ':memory:' ? location : `sqlite:${resolve(cwd, path)}`;
}
