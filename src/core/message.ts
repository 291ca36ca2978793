import type { Json, JsonObject } from './json.ts';

/** A tool call made by a model. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** The arguments as the model wrote them: JSON text, possibly broken. */
  readonly argumentsText: string;
}

/** One message of a conversation. */
export type Message =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string; readonly toolCalls?: readonly ToolCall[] }
  | { readonly role: 'tool'; readonly content: string; readonly toolCallId: string; readonly name: string };

/** A tool a model may call. */
export interface ToolSpec {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments. */
  readonly parameters: JsonObject;
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'error' | 'other';

/** One generation: what a target answered. */
export interface Output {
  readonly text: string;
  readonly reasoning?: string;
  readonly toolCalls?: readonly ToolCall[];
  readonly finishReason: FinishReason;
  /** The provider's content filter blocked the request or the answer. Not an error. */
  readonly blocked: boolean;
  /** The provider's word on why, where it gave one. */
  readonly blockReason?: string;
  /** Ledger id of the call it came from. */
  readonly callId: string;
  readonly model?: string;
}

/** Free-form notes on an attempt. `tokens` and `rate_limiting` have fixed shapes, see `AttemptNotes`. */
export type Notes = { readonly [key: string]: Json };
