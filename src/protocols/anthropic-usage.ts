import { isObject, type Usage } from '../core/index.ts';
import { tokenCount } from './token-count.ts';

/**
 * Reads the `usage` object of Anthropic's Messages API into disjoint buckets. `undefined` where it holds no count.
 *
 * `input_tokens` already excludes cache reads and writes. `output_tokens` includes thinking, which newer models
 * report in `output_tokens_details.thinking_tokens`; where they do not, how much of the output was thinking is unknown.
 *
 * Source: Anthropic API reference, "Messages"; "Prompt caching".
 */
export function readAnthropicUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const inputFresh = tokenCount(value['input_tokens']);
  const cacheRead = tokenCount(value['cache_read_input_tokens']);
  const cacheWrite = tokenCount(value['cache_creation_input_tokens']) ?? cacheWriteByLifetime(value['cache_creation']);
  const output = tokenCount(value['output_tokens']);
  const details = value['output_tokens_details'];
  const thinking = isObject(details) ? tokenCount(details['thinking_tokens']) : undefined;
  if ([inputFresh, cacheRead, cacheWrite, output].every((count) => count === undefined)) return undefined;
  const reasoning = thinking === undefined || output === undefined ? thinking : Math.min(thinking, output);
  const outputText = output === undefined ? undefined : output - (reasoning ?? 0);
  return { inputFresh, cacheRead, cacheWrite, outputText, reasoning, source: 'reported', raw: value };
}

/**
 * Merges a later usage object of a stream into an earlier one. Its figures are cumulative: the last one given wins,
 * field by field, and none is ever added. A field that is `null` later keeps its earlier figure.
 *
 * Source: Anthropic docs, "Streaming messages" (token counts in `message_delta` are cumulative).
 */
export function mergeAnthropicUsage(earlier: Record<string, unknown>, later: unknown): Record<string, unknown> {
  if (!isObject(later)) return earlier;
  const given = Object.entries(later).filter(([, figure]) => figure !== null && figure !== undefined);
  return { ...earlier, ...Object.fromEntries(given) };
}

function cacheWriteByLifetime(value: unknown): number | undefined {
  if (!isObject(value)) return undefined;
  const five = tokenCount(value['ephemeral_5m_input_tokens']);
  const hour = tokenCount(value['ephemeral_1h_input_tokens']);
  return five === undefined && hour === undefined ? undefined : (five ?? 0) + (hour ?? 0);
}
