import type { Budget } from '../limiter/index.ts';
import type { ResponseFacts } from '../protocols/index.ts';
import type { RetryPolicy } from './retry.ts';

/** One logical call to a model, before any try. */
export interface OutgoingCall {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string;
  /** As the user named it; `null` where the call has no target of ours. */
  readonly target: string | null;
  readonly deployment: string;
  /** Whether a simulator answers it. Such calls also carry their ids, so that both books can be compared. */
  readonly simulated: boolean;
  readonly retry?: RetryPolicy;
  /** Longest time for one try, in ms; 120,000 by default. */
  readonly timeoutMs?: number;
  readonly budgets?: readonly Budget[];
  readonly signal?: AbortSignal;
  /** Turns the call away if it is waiting to be admitted when this aborts; a call that left finishes. */
  readonly drain?: AbortSignal;
}

/** An answered call: a 2xx, or a content filter's refusal. */
export interface Answer {
  readonly callId: string;
  readonly httpStatus: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly facts: ResponseFacts;
  readonly blocked: boolean;
}
