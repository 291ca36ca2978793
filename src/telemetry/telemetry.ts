import { randomUUID } from 'node:crypto';
import { describeError, type Attempt, type CallIntent, type CallSettlement, type Clock, type Goal, type Run, type Scope } from '../core/index.ts';
import type { Redactor } from '../store/index.ts';
import type { Store, WriteOp } from '../store/contract.ts';
import { callSpan } from './call-span.ts';
import { attemptEnd, goalEnd, runEnd } from './ended.ts';
import type { ExportFigures, SpanDraft, Telemetry, TelemetrySettings } from './contract.ts';
import { spanCleaner } from './clean-span.ts';
import type { OtlpExporter } from './otlp-exporter.ts';
import { ParentSpans } from './parent-spans.ts';
import { scopePath, type ScopeNode } from './scope-path.ts';
import { watchedStore } from './watched-store.ts';

export interface TelemetryOptions {
  readonly settings: TelemetrySettings;
  readonly store: Pick<Store, 'goal' | 'getRun' | 'calls' | 'sumCalls'>;
  readonly clock: Clock;
  readonly redact: Pick<Redactor, 'metadata'>;
  /** A line for whoever watches. */
  readonly warn: (line: string) => void;
  /** What another process leads and this one takes part in: its spans are the other's to export. */
  readonly inherited?: Scope;
  /** Tells this process's figures from another's; random by default. */
  readonly instanceId?: string;
}

/** How long closing may wait for what is on its way, and how long where the last export failed. */
const CLOSING_MS = 5_000;
const CLOSING_IN_VAIN_MS = 1_000;
/** Paths of scopes that are kept at hand. */
const MOST_PATHS = 5_000;
/** Rows read at once when looking for lost calls. */
const PAGE = 1_000;

/** Starts exporting. Only now is anything of OpenTelemetry's loaded. */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { OtlpExporter } = await import('./otlp-exporter.ts');
  const { settings, redact, warn, instanceId = randomUUID() } = options;
  const exporter = await OtlpExporter.open({
    settings,
    instanceId,
    onFailure: (url, error) => warn(redact.metadata(`telemetry cannot be exported to ${shownUrl(url)}: ${reasonOf(error)}; nothing waits for it, and what it loses is told at the end`)),
  });
  return new LedgerTelemetry({ ...options, instanceId }, exporter);
}

class LedgerTelemetry implements Telemetry {
  readonly #options: TelemetryOptions;
  readonly #exporter: OtlpExporter;
  readonly #outside: string;
  readonly #parents: ParentSpans;
  readonly #inherited: ReadonlySet<string>;
  readonly #clean: (span: SpanDraft) => SpanDraft;
  readonly #paths = new Map<string, readonly ScopeNode[]>();
  /** Runs that this process executes. */
  readonly #led = new Set<string>();
  readonly #simulated = new Set<string>();
  /** What has to be read back before it can be exported, one after another. */
  #work: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(options: TelemetryOptions & { readonly instanceId: string }, exporter: OtlpExporter) {
    this.#options = options;
    this.#exporter = exporter;
    this.#outside = `outside ${options.instanceId}`;
    this.#clean = spanCleaner(options.redact);
    const { inherited } = options;
    this.#inherited = new Set(inherited === undefined ? [] : scopePath(inherited, this.#outside).map(({ spanId }) => spanId));
    this.#parents = new ParentSpans({ emit: (span) => this.#emit(span), mine: (node) => this.#isMine(node) });
  }

  get figures(): ExportFigures {
    return this.#exporter.delivery.figures;
  }

  callSettled(intent: CallIntent, settlement: CallSettlement): void {
    try {
      const path = this.#path(intent.scope);
      const span = callSpan(intent, settlement, { under: path.at(-1)!, content: this.#options.settings.content });
      if (intent.simulated && intent.scope.runId !== undefined) this.#simulated.add(intent.scope.runId);
      this.#emit(span);
      this.#parents.touch(path, Math.min(span.startMs, intent.queuedAt), span.endMs);
      this.#exporter.count(intent, settlement);
    } catch (error) {
      this.#broke(error);
    }
  }

  watch(store: Store): Store {
    return watchedStore(store, (op, scope) => {
      try {
        this.#told(op, scope);
      } catch (error) {
        this.#broke(error);
      }
    });
  }

  async flush(): Promise<void> {
    await this.#within(this.#work.then(() => this.#exporter.flush()));
  }

  abandon(): void {
    if (this.#closed === undefined) this.#tellLoss();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const ended = this.#work.then(() => {
      this.#parents.endAll();
      return this.#exporter.close();
    });
    await this.#within(ended);
    this.#tellLoss();
  }

  #told(op: WriteOp, scope: Scope): void {
    const { content } = this.#options.settings;
    if (op.op === 'attempt.finish') {
      const { attempt } = op;
      this.#parents.end(this.#path(attemptScope(attempt, scope)), attemptEnd(attempt, { content }));
    } else if (op.op === 'goal.finalize') {
      this.#later(async () => this.#goalEnded(op.runId, op.index, op.at));
    } else if (op.op === 'run.update') {
      const { status, resumes = 0, startedAt, endedAt } = op.patch;
      if (status === 'running') this.#runStarted(op.id, startedAt ?? this.#options.clock.now(), resumes > 0);
      else if (status !== undefined && typeof endedAt === 'number') this.#later(async () => this.#runEnded(op.id));
    }
  }

  #runStarted(runId: string, at: number, resumed: boolean): void {
    this.#led.add(runId);
    this.#parents.touch(this.#path({ runId }), at, at);
    if (resumed) this.#later(async () => this.#lostCalls(runId));
  }

  /** The row as it stands: an outcome that came too late has not taken effect. */
  async #goalEnded(runId: string, index: number, at: number): Promise<void> {
    const goal: Goal | undefined = await this.#options.store.goal(runId, index);
    this.#parents.end(this.#path({ runId, goalIndex: index }), goal === undefined ? { startMs: at, endMs: at } : goalEnd(goal, at, { content: this.#options.settings.content }));
  }

  async #runEnded(runId: string): Promise<void> {
    const run: Run | undefined = await this.#options.store.getRun(runId);
    if (run !== undefined) this.#parents.end(this.#path({ runId }), runEnd(run, { simulated: this.#simulated.has(runId), content: this.#options.settings.content }));
  }

  /** Calls that a process took with it when it died were never settled, so nobody was told of them. */
  async #lostCalls(runId: string): Promise<void> {
    const { store, settings } = this.#options;
    let left = (await store.sumCalls({ runId }, 'all')).get('all')?.calls.lost ?? 0;
    for (let after = ''; left > 0; ) {
      const page = await store.calls({ runId }, { limit: PAGE, after });
      for (const { intent, settlement } of page) {
        if (settlement?.status !== 'lost') continue;
        this.#emit(callSpan(intent, settlement, { under: this.#path(intent.scope).at(-1)!, content: settings.content }));
        left--;
      }
      if (page.length < PAGE) return;
      after = page.at(-1)!.intent.id;
    }
  }

  #emit(span: SpanDraft): void {
    this.#exporter.span(this.#clean(span));
  }

  /** Many calls have the same scope. */
  #path(scope: Scope): readonly ScopeNode[] {
    const { runId, goalIndex, trial, attemptKey, branch, role } = scope;
    const key = JSON.stringify([runId, goalIndex, trial, attemptKey, branch, role]);
    let path = this.#paths.get(key);
    if (path === undefined) {
      if (this.#paths.size >= MOST_PATHS) this.#paths.clear();
      path = scopePath(scope, this.#outside);
      this.#paths.set(key, path);
    }
    return path;
  }

  /** A run and its goals are told of by whoever leads the run; what was opened inside them, by whoever opened it. */
  #isMine({ level, scope, spanId }: ScopeNode): boolean {
    if (scope.runId !== undefined && (level === 'run' || level === 'goal')) return this.#led.has(scope.runId);
    return !this.#inherited.has(spanId);
  }

  #later(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#broke(error));
  }

  /** Waits for what must not hold anyone up for long. */
  async #within(work: Promise<void>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(this.#exporter.delivery.failing ? CLOSING_IN_VAIN_MS : CLOSING_MS, resolve);
    await Promise.race([work.catch((error: unknown) => this.#broke(error)), late]);
    cancel();
  }

  #tellLoss(): void {
    const { traces, metrics } = this.#options.settings;
    const { spans, delivered } = this.figures;
    const lost = spans - delivered;
    if (traces !== undefined && lost > 0) this.#warn(`${lost} of ${spans} spans were not exported to ${shownUrl(traces.url)}`);
    if (metrics !== undefined && this.#exporter.delivery.isFailing(metrics.url)) this.#warn(`the metrics were not exported to ${shownUrl(metrics.url)}`);
  }

  #broken = false;

  /** A fault of our own must not become one of the run's. */
  #broke(error: unknown): void {
    if (!this.#broken) this.#warn(`telemetry is incomplete: ${reasonOf(error)}`);
    this.#broken = true;
  }

  #warn(line: string): void {
    const { warn, redact } = this.#options;
    warn(redact.metadata(line));
  }
}

/** An attempt is written in the scope it was made in, which alone tells its trial. */
function attemptScope({ runId, goalIndex, key }: Attempt, { trial, goalIndex: within }: Scope): Scope {
  return { runId, goalIndex, attemptKey: key, ...(trial === undefined || within !== goalIndex ? {} : { trial }) };
}

/** Without a query, which may hold a token. */
function shownUrl(url: string): string {
  return url.replace(/[?#].*$/s, '');
}

/** Connection errors of several addresses have no message of their own. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return error === undefined ? 'it was not taken' : describeError(error);
  const { code } = error as { readonly code?: unknown };
  if (error.message === '') return typeof code === 'string' ? code : error.name;
  return typeof code === 'number' ? `${error.message} (HTTP ${code})` : error.message;
}
