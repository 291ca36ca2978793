import type { FinishReason, ToolCall } from '../core/index.ts';
import type { Usage } from '../core/index.ts';

export type ProtocolName = 'openai-chat' | 'openai-responses' | 'openai-embeddings' | 'anthropic-messages' | 'gemini' | 'ollama';

/** Header access without caring whose header object it is. Names are given in lower case. */
export type HeaderReader = (name: string) => string | undefined;

/** What a request says that limiting and recording need. */
export interface RequestFacts {
  readonly model: string | undefined;
  readonly stream: boolean;
  /** Most output tokens asked for, or `undefined` where the request sets no bound. */
  readonly maxOutput: number | undefined;
  /** Generations asked for in one call. */
  readonly generations: number;
  /** All text the model will read (messages, system, tools), joined, for counting its tokens. */
  readonly promptText: string;
  /** Fixed token overhead beyond the text: per-message framing, images. */
  readonly promptOverhead: number;
  /** Whether a streamed answer was asked to carry usage. Always true where the format always carries it. */
  readonly usageInStream: boolean;
}

/** One answer of a response: most have one, `n` makes more. */
export interface AnswerFacts {
  readonly text: string;
  readonly reasoning: string | undefined;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: FinishReason | undefined;
}

export interface ProviderError {
  readonly message: string;
  readonly type: string | undefined;
  readonly code: string | undefined;
  /** The provider refused by content filter (Azure's 400 `content_filter`). */
  readonly contentFilter: boolean;
  /** How long to wait before another try, in ms, where the body says so and headers do not (Google's `RetryInfo`). */
  readonly retryAfterMs?: number;
}

/** What a response says. */
export interface ResponseFacts {
  readonly model: string | undefined;
  readonly requestId: string | undefined;
  readonly answers: readonly AnswerFacts[];
  readonly usage: Usage;
  /** A content filter stopped the request or the answer. */
  readonly blocked: boolean;
  readonly blockReason: string | undefined;
  readonly error: ProviderError | undefined;
  /** A stream came to its proper end; a whole body could be read as this format. Never true beside an `error`. */
  readonly complete: boolean;
  /** A 2xx answer that cannot be read: a body of another shape, or a stream with an event that is not JSON. Never `complete`. */
  readonly malformed: boolean;
}

export interface StreamReaderOptions {
  /**
   * Generations the request asked for. Streams of several may finish one before another starts;
   * without this figure a cut between the two cannot be told from the end.
   */
  readonly generations?: number;
}

/** Reads a streamed answer as its bytes pass, in pieces cut anywhere. */
export interface StreamReader {
  push(bytes: Uint8Array): void;
  /** Facts so far; call after the last push (or when a stream broke) for the final ones. */
  facts(): ResponseFacts;
  /** Whether any answer content has arrived: time to first token. */
  readonly started: boolean;
}

/** One wire format. Pure: text and bytes in, facts out. */
export interface Protocol {
  readonly name: ProtocolName;
  /** Whether a request with this method and URL path (query excluded) speaks this format. */
  matches(method: string, path: string): boolean;
  /** Whether its paths are words that any site may use: where the host is known, it then has to be one that speaks it. */
  readonly genericPaths?: boolean;
  /** Reads a parsed request body. Never throws; what it cannot read is `undefined`. */
  readRequest(body: unknown, path: string): RequestFacts;
  /** Reads a whole response body (text), success or error. Never throws. */
  readResponse(status: number, body: string): ResponseFacts;
  streamReader(options?: StreamReaderOptions): StreamReader;
  /** The same request asking for usage in the stream, or `undefined` where it already does or always has it. */
  askForStreamUsage(body: Record<string, unknown>): Record<string, unknown> | undefined;
}

/** Rate-limit facts from response headers. Times are milliseconds from the response. */
export interface RateFacts {
  readonly retryAfterMs: number | undefined;
  readonly limitRequests: number | undefined;
  readonly remainingRequests: number | undefined;
  readonly resetRequestsMs: number | undefined;
  readonly limitTokens: number | undefined;
  readonly remainingTokens: number | undefined;
  readonly resetTokensMs: number | undefined;
  readonly limitInputTokens?: number | undefined;
  readonly remainingInputTokens: number | undefined;
  readonly resetInputTokensMs: number | undefined;
  readonly limitOutputTokens?: number | undefined;
  readonly remainingOutputTokens: number | undefined;
  readonly resetOutputTokensMs: number | undefined;
}
