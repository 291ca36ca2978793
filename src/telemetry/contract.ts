import type { CallIntent, CallSettlement } from '../core/index.ts';
import type { Store } from '../store/contract.ts';

/** Where one signal goes. */
export interface SignalPlace {
  /** Whole address, path included. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is exported, and where it goes. */
export interface TelemetrySettings {
  /** Absent where spans are not exported. */
  readonly traces?: SignalPlace;
  /** Absent where metrics are not exported. */
  readonly metrics?: SignalPlace;
  /** Whether texts of conversations, goals and errors go along. */
  readonly content: boolean;
  /** Longest time for one export, in ms, its retries included. */
  readonly timeoutMs: number;
  /** Attributes of the resource, `service.name` among them. */
  readonly resource: Readonly<Record<string, string>>;
}

/** What became of what was to be exported. */
export interface ExportFigures {
  /** Handed over for export. */
  readonly spans: number;
  /** Taken by the endpoint: what is neither that nor on its way failed, or had no room in the queue. */
  readonly delivered: number;
}

/** Exports what the ledger and the store are told. It never throws, and never holds up what it watches. */
export interface Telemetry {
  /** To be told of every call that settles. */
  callSettled(intent: CallIntent, settlement: CallSettlement): void;
  /** The same store; what is committed through it about runs, goals and attempts becomes spans. */
  watch(store: Store): Store;
  /** Hands over what is there by now, waiting for it as long as closing does at most. */
  flush(): Promise<void>;
  /** For the last moment of a process: says what cannot be sent any more. */
  abandon(): void;
  /** Ends what is open, hands over what is there within a time limit, and says what was lost. Idempotent. */
  close(): Promise<void>;
  readonly figures: ExportFigures;
}

export type AttributeValue = string | number | boolean | readonly string[];
export type SpanAttributes = Record<string, AttributeValue>;

/** A span as it is to be exported. Its ids follow from what it stands for: the same thing is the same span, whoever exports it. */
export interface SpanDraft {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: 'client' | 'internal';
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: SpanAttributes;
  /** Absent where it did not fail. */
  readonly error?: { readonly message?: string };
  readonly events?: readonly { readonly name: string; readonly atMs: number; readonly attributes?: SpanAttributes }[];
}
