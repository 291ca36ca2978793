import type { Message, Output, ToolSpec } from '../core/index.ts';

export interface GenerateRequest {
  readonly messages: readonly Message[];
  readonly temperature?: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly maxOutputTokens?: number;
  readonly stop?: readonly string[];
  readonly tools?: readonly ToolSpec[];
  readonly toolChoice?: 'auto' | 'none' | 'required' | { readonly name: string };
  /** How many answers to the same prompt; each is its own call unless the provider takes `n`. */
  readonly generations?: number;
  readonly stream?: boolean;
  readonly signal?: AbortSignal;
  /** Headers of this request only. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is tried: a model by name. Every call it makes goes through transport. */
export interface Target {
  /** As the user named it. */
  readonly spec: string;
  readonly provider: string;
  readonly model: string;
  readonly deployment: string;
  /** Host the calls go to, e.g. `api.openai.com` or `127.0.0.1`. */
  readonly host: string;
  readonly simulated: boolean;
  /**
   * One answer per generation asked for. A content-filter block is an answer with `blocked: true`.
   *
   * @throws CallError once retries are spent, or CancelledError, BudgetExhaustedError, QuotaExhaustedError
   */
  generate(request: GenerateRequest): Promise<Output[]>;
}
