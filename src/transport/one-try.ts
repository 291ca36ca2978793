import type { Dispatcher } from 'undici';
import type { CountTokens, Protocol, RequestFacts } from '../protocols/index.ts';
import { fly } from './flight.ts';
import { admitCall, type MeterDeps, type MeteredEnd } from './metered-call.ts';
import type { OutgoingCall } from './outgoing-call.ts';

export interface TryDeps extends MeterDeps {
  readonly dispatcher: Dispatcher;
}

/** What is the same for every try of a logical call. */
export interface PreparedCall {
  readonly call: OutgoingCall;
  readonly logicalId: string;
  readonly protocol: Protocol;
  readonly request: RequestFacts;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly countTokens: () => Promise<CountTokens>;
  /** Ends the call, whoever wants it ended. */
  readonly signal: AbortSignal;
}

/** Which try of its logical call this is. */
export interface TryNumber {
  readonly retry: number;
  /** Earlier tries that were not turned away by a limit: a simulator draws its faults anew for each, whatever the timing. */
  readonly served: number;
  /** Longest pause asked for by the provider that is waited out, in ms. */
  readonly patienceMs: number;
  /** Called once the call is admitted; what it throws keeps the call from leaving. */
  readonly mayLeave: () => void;
}

const DEFAULT_TIMEOUT_MS = 120_000;

/**
 * Admit, commit the intent, send, read, settle, record: one physical call and its one ledger row.
 * Returns how it ended, whatever its fate; throws only what keeps it from leaving (limiter, budget) or from being recorded (store).
 */
export async function oneTry(deps: TryDeps, prepared: PreparedCall, { retry, served, patienceMs, mayLeave }: TryNumber): Promise<MeteredEnd> {
  const { call, headers, signal } = prepared;
  const metered = await admitCall(
    deps,
    {
      url: call.url,
      headers,
      protocol: prepared.protocol,
      asked: prepared.request,
      countTokens: prepared.countTokens,
      deployment: call.deployment,
      target: call.target,
      simulated: call.simulated,
      logicalId: prepared.logicalId,
      retry,
      keepsStreams: true,
      ...(call.budgets === undefined ? {} : { budgets: call.budgets }),
      signal,
      ...(call.drain === undefined ? {} : { drain: call.drain }),
      longestPauseMs: patienceMs,
    },
    mayLeave,
  );
  try {
    const marked = call.simulated ? { ...headers, 'x-assay-call': metered.intent.id, 'x-assay-retry': String(served) } : headers;
    metered.left();
    const broken = await fly({ url: call.url, method: call.method, headers: marked, body: prepared.body, timeoutMs: call.timeoutMs ?? DEFAULT_TIMEOUT_MS, signal }, metered.reader, deps);
    return await metered.settle(broken);
  } finally {
    metered.release();
  }
}
