import { mergeFlags, parseConfig, type AssayConfig, type ConfigFlags } from '../config/index.ts';
import { AssayError, newRunId, UsageError, type JsonObject, type Run, type SuiteKind } from '../core/index.ts';
import { dryRun, executeRun, ProgressCounter, type DryRun, type RunEnd, type Suite } from '../engine/index.ts';
import { setProcessScope } from '../ledger/index.ts';
import { Budget, type BudgetFigures } from '../limiter/index.ts';
import type { Target } from '../models/index.ts';
import { thisProcess, type CallSums, type Store } from '../store/index.ts';
import type { Assembly } from './assembly.ts';
import { checkEngagement } from './engagement.ts';
import { withoutSecrets } from './error-redaction.ts';
import { checkInputs, fingerprint, type InputFile } from './input-files.ts';
import { createSuites } from './suites.ts';
import { tapProcess, type ProcessTaps } from './taps.ts';

/** What is stored with a run, enough to resume it by its id alone. */
interface StoredRun {
  readonly config: AssayConfig;
  readonly inputs: readonly InputFile[];
  readonly cwd: string;
}

export interface ExecuteRunOptions {
  readonly drain?: AbortSignal;
  readonly abort?: AbortSignal;
  readonly announce?: (line: string) => void;
  readonly retryErrors?: boolean;
}

interface RunParts {
  readonly assembly: Assembly;
  readonly run: Run;
  readonly suites: readonly Suite[];
  readonly targets: ReadonlyMap<string, Target>;
  readonly budget: Budget;
  readonly progress: ProgressCounter;
  /** Turns away the targets' calls that wait to be admitted. */
  readonly drain: AbortController;
  /** Whether calls that libraries make in this process are the run's; where it runs experiments by default. */
  readonly tapped?: boolean;
}

/** A run that is ready to execute: planned anew or resumed. */
export class RunHandle {
  readonly run: Run;
  readonly progress: ProgressCounter;
  readonly budget: Budget;
  readonly #assembly: Assembly;
  readonly #suites: readonly Suite[];
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #drain: AbortController;
  readonly #tapped: boolean;

  constructor({ assembly, run, suites, targets, budget, progress, drain, tapped }: RunParts) {
    this.#assembly = assembly;
    this.run = run;
    this.#suites = suites;
    this.#targets = targets;
    this.#drain = drain;
    this.#tapped = tapped ?? suites.some((suite) => suite.kind === 'experiments');
    this.budget = budget;
    this.progress = progress;
  }

  /** Executes from where the run stands to its end. See `executeRun` for what it throws. */
  async execute(options: ExecuteRunOptions = {}): Promise<RunEnd> {
    const { store, clock, limiter, config } = this.#assembly;
    const { redact } = this.#assembly;
    const { announce } = options;
    const never = new AbortController().signal;
    const tell = announce === undefined ? () => {} : (line: string) => announce(redact.metadata(line));
    let simulated = false;
    // Said between lines of progress rather than across them.
    const stopWarning = announce === undefined ? () => {} : this.#assembly.onWarning(tell);
    const stopListening = this.#assembly.onSettled((intent, settlement) => {
      this.progress.callSettled(intent, settlement);
      if (intent.simulated && intent.scope.runId === this.run.id) simulated = true;
    });
    let taps: ProcessTaps | undefined;
    try {
      // Experiments call what they like: their libraries' own calls are the run's as well, and are seen on the wire.
      if (this.#tapped) taps = this.#tap(tell);
      const end = await executeRun({
        store,
        clock,
        limiter,
        run: this.run,
        suites: this.#suites,
        targetFor: (goal, role) => this.#target(goal.target, role),
        parallel: config.parallel,
        onRateLimit: config.onRateLimit,
        retryErrors: options.retryErrors ?? false,
        holder: thisProcess(),
        drain: options.drain ?? never,
        abort: options.abort ?? never,
        onHalt: () => this.#drain.abort(new Error('the run is stopping')),
        progress: this.progress,
        // A provider may repeat the key it was given in its error.
        announce: tell,
      });
      await taps?.close();
      if (simulated && !this.run.simulated) await store.write({ op: 'run.update', id: this.run.id, patch: { simulated } });
      return { ...end, reason: end.reason === null ? null : redact.metadata(end.reason) };
    } catch (error) {
      throw withoutSecrets(error, redact);
    } finally {
      await taps?.close();
      stopListening();
      stopWarning();
    }
  }

  /** A role that the configuration names no target for asks the goal's own. */
  #target(spec: string, role: string): Target {
    const target = this.#targets.get(this.#assembly.config.experiments.roles?.[role] ?? spec);
    if (target !== undefined) return target;
    throw new UsageError({
      code: 'config',
      message: role === 'target' ? `the run has no target ${spec}` : `no target is set for the role ${role}, and the run has none of its own`,
      hint: 'name one with --target, or under experiments.roles in the configuration',
    });
  }

  #tap(announce: (line: string) => void): ProcessTaps {
    const assembly = this.#assembly;
    const restore = setProcessScope({ runId: this.run.id });
    try {
      const taps = tapProcess(assembly, { targets: [...this.#targets.values()], budget: this.budget, drain: this.#drain.signal, announce });
      return {
        close: async () => {
          restore();
          await taps.close();
        },
      };
    } catch (error) {
      restore();
      throw error;
    }
  }
}

/**
 * Plans a new run of the assembly's configuration and records it as pending.
 *
 * @throws UsageError for what the configuration lacks or gets wrong; nothing is recorded then
 */
export async function createRun(assembly: Assembly): Promise<RunHandle> {
  const { config, clock, store, cwd } = assembly;
  const budget = new Budget(config.budgets);
  const { suites, files, playbooks } = await createSuites(config, cwd, budget);
  assembly.simulator.learn(playbooks);
  const drain = new AbortController();
  const targets = await openAll(assembly, suites, budget, drain.signal);
  checkPrices(assembly, [...targets.values()]);
  const engagement = checkEngagement(config, kindsOf(suites), [...targets.values()], clock.now());
  await checkPlan(suites, config);
  const inputs = await fingerprint(files, cwd);
  const stored: StoredRun = { config, inputs, cwd };
  const now = Math.round(clock.now());
  const run: Run = {
    id: newRunId(now),
    status: 'pending',
    reason: null,
    name: config.name ?? null,
    suites: config.suites,
    targets: config.targets,
    config: JSON.parse(JSON.stringify(stored)) as JsonObject,
    seed: config.seed,
    engagement,
    simulated: [...targets.values()].some((target) => target.simulated),
    planned: null,
    resumes: 0,
    createdAt: now,
    startedAt: null,
    endedAt: null,
  };
  await store.write({ op: 'run.insert', run }, { op: 'event.add', event: { runId: run.id, at: now, type: 'run.status', data: { status: 'pending', reason: null } } });
  return new RunHandle({ assembly, run, suites, targets, budget, drain, progress: new ProgressCounter() });
}

/** Starts the plan without recording it, so that input that cannot be used is told before there is a run. */
async function checkPlan(suites: readonly Suite[], config: AssayConfig): Promise<void> {
  const stop = new AbortController();
  for (const suite of suites) {
    for await (const _first of suite.plan({ seed: config.seed, targets: config.targets, signal: stop.signal })) break;
  }
}

/** What a run of the assembly's configuration would take. Nothing is recorded or sent. */
export async function planDryRun(assembly: Assembly): Promise<DryRun> {
  const { config, cwd } = assembly;
  const budget = new Budget({});
  const { suites } = await createSuites(config, cwd, budget);
  const targets = await openAll(assembly, suites, budget);
  checkEngagement(config, kindsOf(suites), [...targets.values()], assembly.clock.now());
  return dryRun({
    suites,
    ctx: { seed: config.seed, targets: config.targets, signal: new AbortController().signal },
    limitsFor: (spec) => assembly.limitsOf(targets.get(spec)?.deployment ?? spec),
    costFor: (spec, promptTokens, outputTokens) =>
      assembly.prices.costOf(targets.get(spec)?.model ?? null, { inputFresh: promptTokens, cacheRead: undefined, cacheWrite: undefined, outputText: outputTokens, reasoning: undefined, source: 'estimated' }),
  });
}

/** The configuration a run was started with, with what a resume may override laid over it. */
export function resumedConfig(run: Run, overrides: ConfigFlags): AssayConfig {
  const { config } = storedRun(run);
  return mergeFlags(parseConfig(config, { file: `run ${run.id}` }), overrides);
}

/**
 * Makes a recorded run ready to go on. The assembly must have been opened with its `resumedConfig`.
 *
 * @throws UsageError `input` when a file it reads has changed
 */
export async function resumeRun(assembly: Assembly, run: Run): Promise<RunHandle> {
  const { config, store } = assembly;
  const { inputs, cwd } = storedRun(run);
  await checkInputs(inputs, cwd);
  const sums = (await store.sumCalls({ runId: run.id }, 'all')).get('all');
  const budget = new Budget(config.budgets, spent(sums));
  const { suites, playbooks } = await createSuites(config, cwd, budget);
  assembly.simulator.learn(playbooks);
  const drain = new AbortController();
  const targets = await openAll(assembly, suites, budget, drain.signal);
  checkPrices(assembly, [...targets.values()]);
  const engagement = checkEngagement(config, kindsOf(suites), [...targets.values()], assembly.clock.now());
  const resumed: Run = { ...run, engagement, resumes: run.resumes + 1, config: JSON.parse(JSON.stringify({ config, inputs, cwd })) as JsonObject };
  return new RunHandle({ assembly, run: resumed, suites, targets, budget, drain, progress: await progressOf(store, run) });
}

/** The run's targets, and those of other roles. An experiment may make calls of its own and need none. */
async function openAll(assembly: Assembly, suites: readonly Suite[], budget: Budget, drain?: AbortSignal): Promise<Map<string, Target>> {
  const { config } = assembly;
  if (config.targets.length === 0 && suites.some((suite) => suite.kind !== 'experiments')) throw new UsageError({ message: 'nothing to try it on: no target was named', hint: 'e.g. --target openai:gpt-4.1-mini, or --target sim:weak to see how it works' });
  return assembly.openTargets([...new Set([...config.targets, ...Object.values(config.experiments.roles ?? {})])], { budgets: [budget], ...(drain === undefined ? {} : { drain }) });
}

/** A budget of dollars holds only where a call's price is known before it leaves. */
function checkPrices({ config, prices }: Assembly, targets: readonly Target[]): void {
  const unpriced = config.budgets.usd === undefined ? undefined : targets.find((target) => prices.priceOf(target.model) === undefined);
  if (unpriced === undefined) return;
  throw new UsageError({
    code: 'config',
    message: `a budget in dollars (--max-usd, budgets.usd) cannot be kept: no price is known for ${unpriced.model} (${unpriced.spec})`,
    hint: `set it in the config, e.g. prices: { ${JSON.stringify(unpriced.model)}: { input: 0.4, output: 1.6 } } in dollars per million tokens, or cap tokens with --max-tokens`,
  });
}

/** What a run has spent so far. Where nobody knows what a call used, what was reserved for it stands in, at the run's average price. */
export function spent(sums: CallSums | undefined): BudgetFigures {
  if (sums === undefined) return { calls: 0, tokens: 0, usd: 0 };
  const perToken = sums.total_tokens === 0 ? 0 : sums.cost_usd / sums.total_tokens;
  return {
    calls: sums.calls.total,
    tokens: sums.total_tokens + sums.unknown_reserved_tokens,
    usd: sums.cost_usd + sums.unknown_reserved_tokens * perToken,
  };
}

function kindsOf(suites: readonly Suite[]): SuiteKind[] {
  return suites.map((suite) => suite.kind);
}

function storedRun(run: Run): StoredRun {
  const stored = run.config as unknown as StoredRun;
  if (typeof stored.config !== 'object' || !Array.isArray(stored.inputs)) {
    throw new AssayError({ code: 'store', message: `run ${run.id} was stored in a form this version cannot resume` });
  }
  return stored;
}

export async function progressOf(store: Store, run: Run): Promise<ProgressCounter> {
  const [goals, attempts, sums] = await Promise.all([store.countGoals(run.id), store.countAttempts(run.id), store.sumCalls({ runId: run.id }, 'all')]);
  const of = (kind: string): number => goals.byOutcome[kind] ?? 0;
  const calls = sums.get('all');
  return new ProgressCounter({
    planned: run.planned,
    finished: goals.planned - of('open') - of('interrupted') - of('cancelled'),
    verdicts: of('attack_succeeded') + of('attack_failed') + of('passed') + of('failed'),
    errors: of('error'),
    attempts: attempts.finished + attempts.errors,
    promptTokens: calls?.prompt_tokens ?? 0,
    completionTokens: calls?.completion_tokens ?? 0,
    costUsd: calls?.cost_usd ?? 0,
    unpriced: calls?.unpriced ?? 0,
    calls: calls?.calls.total ?? 0,
    retries: calls?.retries ?? 0,
    waitedMs: calls?.waited_ms ?? 0,
  });
}
