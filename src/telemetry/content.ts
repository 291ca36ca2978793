import type { Message, Output, ToolCall } from '../core/index.ts';

/** Longer texts are cut: collectors refuse what is too large, and with it a whole batch. */
const LONGEST_TEXT = 16_384;

type Part = { readonly type: 'text' | 'reasoning'; readonly content: string } | { readonly type: 'tool_call'; readonly id: string; readonly name: string; readonly arguments: unknown } | { readonly type: 'tool_call_response'; readonly id: string; readonly result: string };

/** A conversation as `gen_ai.input.messages` has it: JSON, as a span's attributes hold no structures. */
export function inputMessages(conversation: readonly Message[]): string {
  return JSON.stringify(conversation.map((message) => ({ role: message.role, parts: partsOf(message) })));
}

/** Answers as `gen_ai.output.messages` has them. */
export function outputMessages(outputs: readonly Output[]): string {
  return JSON.stringify(
    outputs.map(({ text, reasoning, toolCalls = [], finishReason }) => ({
      role: 'assistant',
      parts: [...(reasoning === undefined ? [] : [{ type: 'reasoning', content: cut(reasoning) } as const]), ...(text === '' ? [] : [textPart(text)]), ...toolCalls.map(callPart)],
      // The conventions' word for it.
      finish_reason: finishReason === 'tool_calls' ? 'tool_call' : finishReason,
    })),
  );
}

function partsOf(message: Message): Part[] {
  if (message.role === 'tool') return [{ type: 'tool_call_response', id: message.toolCallId, result: cut(message.content) }];
  const calls = message.role === 'assistant' ? (message.toolCalls ?? []) : [];
  return [...(message.content === '' ? [] : [textPart(message.content)]), ...calls.map(callPart)];
}

function textPart(text: string): Part {
  return { type: 'text', content: cut(text) };
}

function callPart({ id, name, argumentsText }: ToolCall): Part {
  return { type: 'tool_call', id, name, arguments: argumentsOf(argumentsText) };
}

/** As an object where the model wrote JSON, as its text otherwise. */
function argumentsOf(text: string): unknown {
  if (text.length > LONGEST_TEXT) return cut(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

export function cut(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT).toWellFormed()}… [${text.length - LONGEST_TEXT} more characters]`;
}
