import type { Usage } from './usage.ts';

/** Every fate a physical call can have. */
export const CALL_STATUSES = [
  'ok',
  'blocked',
  'http_error',
  'rate_limited',
  'timeout',
  'aborted',
  'cut',
  'malformed',
  'network_error',
  'lost',
] as const;

export type CallStatus = (typeof CALL_STATUSES)[number];

/** A request answered from the store: nothing left, nothing was used. Never counted among the physical calls. */
export const REPLAYED = 'replayed';

/** What a ledger row says became of a request. */
export type CallFate = CallStatus | typeof REPLAYED;

/** How a call that is not transport's own was seen. */
export type SeenBy = 'gateway' | 'undici' | 'node-http';

/** Whom a call is charged to. Every part may be absent; a call with no run is `unattributed`. */
export interface Scope {
  readonly runId?: string;
  readonly goalIndex?: number;
  readonly attemptKey?: string;
  /** Name of the trial. */
  readonly trial?: string;
  /** Path of branches, outermost first, joined by `/`. */
  readonly branch?: string;
  /** `target`, `attacker`, `judge`, `memory`, … */
  readonly role?: string;
  readonly phase?: string;
}

/** What is known of a call when its intent is committed, before it leaves. */
export interface CallIntent {
  /** Unique; sorts by time. */
  readonly id: string;
  /** Shared by the tries of one logical call. */
  readonly logicalId: string;
  /** 0 for the first try, then 1, 2, … */
  readonly retry: number;
  readonly scope: Scope;
  /** As the user named it, e.g. `openai:gpt-4.1-mini`; `null` for a call seen by a tap. */
  readonly target: string | null;
  /** The quota bucket: `provider/account-or-host/model-or-deployment`. */
  readonly deployment: string;
  /** Absent where transport made the call itself. */
  readonly via?: SeenBy;
  /** Name of the wire format. */
  readonly protocol: string;
  readonly modelAsked: string | null;
  readonly stream: boolean;
  /** Whether the answer comes from a simulator. */
  readonly simulated: boolean;
  /** Milliseconds since the epoch when the call first asked the limiter. */
  readonly queuedAt: number;
  /** Milliseconds since the epoch when it left. */
  readonly sentAt: number;
  /** Milliseconds spent waiting for admission. */
  readonly waitedMs: number;
  /** Tokens reserved for it. */
  readonly reservedTokens: number;
}

/** What is known of a call once it has ended, whatever its fate. */
export interface CallSettlement {
  readonly id: string;
  readonly status: CallFate;
  readonly httpStatus: number | null;
  readonly modelAnswered: string | null;
  readonly usage: Usage;
  /** US dollars, or `null` where usage or price is unknown. */
  readonly costUsd: number | null;
  readonly firstTokenMs: number | null;
  readonly totalMs: number | null;
  readonly finishReason: string | null;
  /** The provider's id of the request. */
  readonly requestId: string | null;
  readonly error: string | null;
}

/** One ledger row. `settlement` is `null` while the call is in flight. */
export interface CallRecord {
  readonly intent: CallIntent;
  readonly settlement: CallSettlement | null;
}
