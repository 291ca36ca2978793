import type { FinishReason } from '../core/index.ts';

/**
 * Words that providers use for the end of an answer. OpenAI chat: `stop, length, tool_calls, function_call, content_filter`.
 * Anthropic: `end_turn, stop_sequence, max_tokens, model_context_window_exceeded, tool_use, refusal, pause_turn`.
 * OpenAI responses (`incomplete_details.reason`): `max_output_tokens, content_filter`. OpenRouter adds `error`,
 * DeepSeek `insufficient_system_resource`.
 */
const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  max_tokens: 'length',
  max_output_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  tool_use: 'tool_calls',
  content_filter: 'content_filter',
  refusal: 'content_filter',
  error: 'error',
  insufficient_system_resource: 'error',
};

/** Maps a provider's word; `undefined` while there is none (`null`, absent or empty), `other` for an unknown one. */
export function finishReason(word: unknown): FinishReason | undefined {
  if (typeof word !== 'string' || word === '') return undefined;
  return Object.hasOwn(REASONS, word) ? REASONS[word] : 'other';
}
