import { newId, VirtualClock, type Goal, type LeaseHolder, type Outcome, type Run, type Usage } from '../../core/index.ts';
import { currentScope, Ledger } from '../../ledger/index.ts';
import { Budget, createLimiter, type BudgetLimits, type Limiter, type Limits } from '../../limiter/index.ts';
import type { Target } from '../../models/index.ts';
import { openStore, thisProcess, type Store } from '../../store/index.ts';
import type { GoalContext, GoalPlan, Suite } from '../contract.ts';
import { executeRun, type ExecuteOptions, type RunEnd } from '../execute-run.ts';
import { ProgressCounter } from '../progress.ts';

export const DEPLOYMENT = 'fake/here/model';
export const WON: Outcome = { kind: 'attack_succeeded' };
/** Tokens of each call of the fake target: prompt and answer. */
export const CALL_TOKENS = { prompt: 10, output: 5 };

const USAGE: Usage = { inputFresh: CALL_TOKENS.prompt, cacheRead: undefined, cacheWrite: undefined, outputText: CALL_TOKENS.output, reasoning: undefined, source: 'reported' };

export interface BenchOptions {
  readonly store?: Store;
  readonly limits?: Limits;
  readonly budgets?: BudgetLimits;
  /** Called inside each call of the target, while it is in flight. */
  readonly during?: () => Promise<void> | void;
}

/** A run to execute with a real store, ledger and limiter, virtual time, and a target that answers "yes". */
export class Bench implements AsyncDisposable {
  readonly store: Store;
  readonly clock = new VirtualClock();
  readonly limiter: Limiter;
  readonly ledger: Ledger;
  readonly runId = newId();
  readonly announced: string[] = [];
  readonly target: Target;
  progress = new ProgressCounter();
  budget: Budget;
  /** Calls that the target answered. */
  calls = 0;

  private constructor(store: Store, options: BenchOptions) {
    this.store = store;
    this.budget = new Budget(options.budgets ?? {});
    this.limiter = createLimiter({
      clock: this.clock,
      limitsFor: () => options.limits,
      history: (deployment, since) => store.callsSince(deployment, since),
      quotaUse: (deployment, since) => store.tokensSince(deployment, since),
    });
    this.ledger = new Ledger({ store });
    this.target = this.#makeTarget(options.during ?? (() => {}));
  }

  static async open(options: BenchOptions = {}): Promise<Bench> {
    const bench = new Bench(options.store ?? (await openStore('sqlite::memory:')), options);
    await bench.store.write({ op: 'run.insert', run: bench.newRun() });
    return bench;
  }

  newRun(id = this.runId): Run {
    return {
      id,
      status: 'pending',
      reason: null,
      name: null,
      suites: ['probes'],
      targets: ['fake:model'],
      config: {},
      seed: 3,
      engagement: null,
      simulated: true,
      planned: null,
      resumes: 0,
      createdAt: this.clock.now(),
      startedAt: null,
      endedAt: null,
    };
  }

  async run(): Promise<Run> {
    return (await this.store.getRun(this.runId))!;
  }

  /** Executes the run from where it stands in the store. */
  async execute(suites: Suite | readonly Suite[], change: Partial<ExecuteOptions> = {}): Promise<RunEnd> {
    const never = new AbortController().signal;
    return executeRun({
      store: this.store,
      clock: this.clock,
      limiter: this.limiter,
      run: await this.run(),
      suites: Array.isArray(suites) ? (suites as Suite[]) : [suites as Suite],
      targetFor: () => this.target,
      parallel: 4,
      onRateLimit: 'continue',
      retryErrors: false,
      holder: thisProcess(),
      drain: never,
      abort: never,
      progress: this.progress,
      announce: (line) => this.announced.push(line),
      ...change,
    });
  }

  /** Lets virtual time pass until the promise has settled. */
  async drive<T>(promise: Promise<T>, stepMs = 1_000): Promise<T> {
    const state = { settled: false };
    const watched = promise.finally(() => (state.settled = true));
    // Waited for below; until then a failure is not unhandled.
    watched.catch(() => {});
    while (!state.settled) await this.clock.advance(stepMs);
    return watched;
  }

  /** Lets work go on, without time passing, until the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  }

  async outcomes(): Promise<(string | null)[]> {
    return (await this.allGoals()).map((goal) => goal.outcome?.kind ?? null);
  }

  allGoals(): Promise<Goal[]> {
    return this.store.goals(this.runId, { from: 0, limit: 1_000_000 });
  }

  async events(type?: string): Promise<{ readonly seq: number; readonly type: string; readonly data: Record<string, unknown> }[]> {
    return (await this.store.events({ runId: this.runId, after: 0, limit: 1_000_000 })).filter((event) => type === undefined || event.type === type);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.limiter.close();
    await this.store.close();
  }

  /** Admits, records, answers and settles as transport does. */
  #makeTarget(during: () => Promise<void> | void): Target {
    return {
      spec: 'fake:model',
      provider: 'fake',
      model: 'model',
      deployment: DEPLOYMENT,
      host: '127.0.0.1',
      simulated: true,
      generate: async ({ signal }) => {
        const place = await this.limiter.admit({
          deployment: DEPLOYMENT,
          promptTokens: CALL_TOKENS.prompt,
          maxOutputTokens: CALL_TOKENS.output,
          budgets: [this.budget],
          ...(signal === undefined ? {} : { signal }),
        });
        try {
          const id = newId();
          const now = Math.round(this.clock.now());
          const open = await this.ledger.open({
            id,
            logicalId: id,
            retry: 0,
            scope: currentScope(),
            target: 'fake:model',
            deployment: DEPLOYMENT,
            protocol: 'openai-chat',
            modelAsked: 'model',
            stream: false,
            simulated: true,
            queuedAt: now,
            sentAt: now,
            waitedMs: Math.round(place.waitedMs),
            reservedTokens: CALL_TOKENS.prompt + CALL_TOKENS.output,
          });
          await during();
          this.calls++;
          place.settle({ promptTokens: CALL_TOKENS.prompt, outputTokens: CALL_TOKENS.output, costUsd: undefined });
          await open.settle({
            status: 'ok',
            httpStatus: 200,
            modelAnswered: 'model',
            usage: USAGE,
            costUsd: null,
            firstTokenMs: 1,
            totalMs: 1,
            finishReason: 'stop',
            requestId: null,
            error: null,
          });
          return [{ text: 'yes', finishReason: 'stop', blocked: false, callId: id }];
        } finally {
          place.release();
        }
      },
    };
  }
}

type Execute = (goal: Goal, ctx: GoalContext) => Promise<Outcome>;

/** One attempt with one call, then a hit. */
export const askOnce: Execute = async (_goal, ctx) => {
  const attempt = await ctx.attempt('a', ({ signal }) => ask(ctx, signal));
  await ctx.score({ attemptKey: 'a', outputIndex: 0, grader: 'g', value: attempt.outputs[0]?.text === 'yes' ? 1 : 0, threshold: 0.5, reason: null });
  return WON;
};

export async function ask(ctx: GoalContext, signal: AbortSignal): Promise<Awaited<ReturnType<Parameters<GoalContext['attempt']>[1]>>> {
  const messages = [{ role: 'user' as const, content: 'Say yes.' }];
  return { conversation: messages, outputs: await ctx.target().generate({ messages, signal }) };
}

export function plan(index: number, change: Partial<GoalPlan> = {}): GoalPlan {
  return { key: `key-${index}`, plugin: 'probes.test', target: 'fake:model', text: 'the same text', item: index, repeat: 0, data: { index }, ...change };
}

export interface SuiteOptions {
  readonly execute?: Execute;
  readonly planOf?: (index: number) => GoalPlan;
  /** Called before each goal is planned. */
  readonly beforePlan?: (index: number, signal: AbortSignal) => Promise<void> | void;
  readonly kind?: Suite['kind'];
}

/** A suite of `count` goals that all ask once, unless said otherwise. */
export function suiteOf(count: number, { execute = askOnce, planOf = plan, beforePlan, kind = 'probes' }: SuiteOptions = {}): Suite {
  return {
    kind,
    plan: async function* (ctx) {
      for (let index = 0; index < count; index++) {
        await beforePlan?.(index, ctx.signal);
        yield planOf(index);
      }
    },
    execute,
  };
}

export function holder(change: Partial<LeaseHolder> = {}): LeaseHolder {
  return { ...thisProcess(), ...change };
}

/** A promise with its ends, for work that waits until a test says so. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}

/** A store with some of its members replaced. */
export function storeWith(store: Store, replaced: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const member: unknown = Reflect.get(replaced, name) ?? Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
