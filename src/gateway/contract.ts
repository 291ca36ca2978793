import type { Scope } from '../core/index.ts';
import type { Budget, Limiter } from '../limiter/index.ts';
import type { Store } from '../store/index.ts';
import type { MeterDeps, Places } from '../transport/index.ts';

/** What a provider's API looks like from outside: decides paths and where keys stand. */
export const UPSTREAM_KINDS = ['openai', 'azure', 'anthropic', 'gemini', 'ollama', 'openrouter'] as const;
export type UpstreamKind = (typeof UPSTREAM_KINDS)[number];

/** A provider that requests are forwarded to. */
export interface Upstream {
  /** Its mount: `/u/NAME/…`. Upstreams named like their kind also serve that kind's own paths without a mount. */
  readonly name: string;
  readonly kind: UpstreamKind;
  /** Base URL as that kind's SDKs take it (`https://api.openai.com/v1`, `https://api.anthropic.com`, `https://RESOURCE.openai.azure.com`). */
  readonly url: string;
  /** First and second part of its deployments' names; by host where absent. */
  readonly provider?: string;
  readonly account?: string;
  /** Key that the gateway holds and puts in place of the caller's. */
  readonly apiKey?: string;
  /** Headers put on every request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly simulated?: boolean;
}

/** Answers of this run that may be given again. */
export interface ReplayOptions {
  readonly runId: string;
  /** Whether answers are looked up, or only kept. */
  readonly lookUp: boolean;
}

export interface GatewayOptions {
  readonly meter: MeterDeps;
  /** For figures: quota, waits, utilisation. The one behind `meter`. */
  readonly limiter: Pick<Limiter, 'stats' | 'statsOf'>;
  readonly store: Pick<Store, 'answer' | 'answerCounts' | 'sumCalls' | 'sumBranches' | 'write' | 'updateValue'>;
  /** Its upstreams are added. */
  readonly places: Places;
  readonly upstreams: readonly Upstream[];
  /** `127.0.0.1` by default. */
  readonly host?: string;
  /** 0, any free one, by default. */
  readonly port?: number;
  /** One of these must come with every request that has no scope token in its path. Must not be empty beyond loopback. */
  readonly accessTokens?: readonly string[];
  /** Whom calls without a scope token in their path are charged to, and what they may draw on. The surrounding scope by default. */
  readonly unscoped?: ScopeOptions & { readonly scope?: Scope };
  /** Proxies on the way to the upstreams, as `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name them. None by default. */
  readonly proxies?: { readonly http?: string; readonly https?: string; readonly noProxy?: string };
  /** Longest wait for the limiter, in ms, before a 429 with `retry-after`. 30,000 by default. */
  readonly longestWaitMs?: number;
  /** Largest request body, in bytes. 64 MiB by default. */
  readonly maxBodyBytes?: number;
  /** Longest time for a request's head and body to arrive, in ms. 60,000 by default. */
  readonly requestTimeoutMs?: number;
  /** Longest silence of an upstream or of a client that does not read, in ms. 300,000 by default. */
  readonly idleTimeoutMs?: number;
  /** Told what an operator should know: a model call that could not be counted, a client that was dropped. */
  readonly warn?: (message: string) => void;
}

/** What a scope opened on the gateway may do beyond being charged. */
export interface ScopeOptions {
  readonly budgets?: readonly Budget[];
  readonly replay?: ReplayOptions;
  /** Asked of each call before it is admitted; an AssayError that it throws is the call's answer (code `usage`, `config` or `input`: a 400). */
  readonly mayCall?: (call: { readonly model: string | null; readonly deployment: string }) => void;
  /** Told of a score that the program behind this scope reports over HTTP. */
  readonly onScore?: (score: ReportedScore) => void;
}

export interface ReportedScore {
  readonly value: number;
  readonly threshold: number | null;
  readonly reason: string | null;
  readonly name: string;
}

/** A scope with an address: calls to `url` + a provider's path are charged to it. */
export interface GatewayScope {
  readonly token: string;
  /** `http://HOST:PORT/s/TOKEN`: what `ASSAY_SCOPE_URL` holds. */
  readonly url: string;
  readonly scope: Scope;
  /** Base URL for an upstream by name, as its SDKs take it. */
  baseUrl(upstream: string): string;
  /** Forgets the token. Calls under way finish. */
  close(): void;
}

/** A server in front of model providers: counts, limits and forwards. */
export interface Gateway {
  /** `http://HOST:PORT` */
  readonly url: string;
  readonly port: number;
  /** Base URL for an upstream by name, as its SDKs take it, outside any scope. */
  baseUrl(upstream: string): string;
  /** Opens a scope, on top of the one that this is called in. Tallies around it count its calls. */
  openScope(scope: Scope, options?: ScopeOptions): GatewayScope;
  /** What it has done since it started. */
  figures(): GatewayFigures;
  /** Answers no new requests, lets those under way finish for up to `graceMs`, then cuts them. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Sums since the gateway started. */
export interface GatewayFigures {
  /** Calls that left, ended or not. */
  readonly calls: number;
  /** Ended calls that are neither `ok` nor `blocked`. */
  readonly failed: number;
  readonly replayed: number;
  /** Requests that it answered itself with an error: no access, budget, wait too long, … */
  readonly refused: number;
  /** Requests that were forwarded without being counted: lists, files and the like. */
  readonly uncounted: number;
  readonly inFlight: number;
  readonly waiting: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly costUsd: number;
}
