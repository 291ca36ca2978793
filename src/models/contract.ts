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

/** What a client library needs to call a model by itself. */
export interface TargetEndpoint {
  /** Whose clients fit. */
  readonly api: 'openai' | 'azure' | 'anthropic';
  /** As those clients take it: with `/v1` for OpenAI's, without for Anthropic's, up to the deployment for Azure's. */
  readonly baseURL: string;
  /** Never empty: clients refuse to start without one. */
  readonly apiKey: string;
  /** The model's name in a request. */
  readonly model: string;
  /** Headers that every request must carry, beside the key. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parameters that every request's address must carry. */
  readonly query: Readonly<Record<string, string>>;
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
  /** Where its model is, for client libraries; absent where it has no address. Holds the key, so it is made only when asked for. */
  readonly endpoint?: () => TargetEndpoint;
  /**
   * One answer per generation asked for. A content-filter block is an answer with `blocked: true`.
   *
   * @throws CallError once retries are spent, or CancelledError, BudgetExhaustedError, QuotaExhaustedError
   */
  generate(request: GenerateRequest): Promise<Output[]>;
}
