import { asString, isObject } from '../core/index.ts';
import { argumentsText, toolCall, type ToolCallDraft } from './tool-call-draft.ts';
import type { AnswerFacts } from './contract.ts';

/** One item of a response's output while it is read. */
export interface OutputItem {
  text: string;
  /** Raw reasoning, which few models show. */
  reasoningText: string;
  reasoningSummary: string;
  call: ToolCallDraft | undefined;
}

export function newOutputItem(): OutputItem {
  return { text: '', reasoningText: '', reasoningSummary: '', call: undefined };
}

/** Reads a whole output item: message, reasoning or call of a function or custom tool. Tools that the provider runs itself hold nothing for us. */
export function readOutputItem(value: unknown): OutputItem {
  const item = newOutputItem();
  if (!isObject(value)) return item;
  switch (value['type']) {
    case 'message':
      // A compacted conversation gives the user's own messages back.
      if (value['role'] === 'user') break;
      item.text = parts(value['content'], '');
      break;
    case 'reasoning':
      item.reasoningText = parts(value['content'], '');
      item.reasoningSummary = parts(value['summary'], '\n\n');
      break;
    case 'function_call':
    case 'custom_tool_call':
      item.call = {
        index: undefined,
        id: asString(value['call_id']) ?? asString(value['id']) ?? '',
        name: asString(value['name']) ?? '',
        argumentsText: argumentsText(value['arguments'] ?? value['input']),
      };
      break;
    default:
  }
  return item;
}

/** Whether an item holds anything yet. */
export function hasContent(item: OutputItem): boolean {
  return item.text !== '' || item.reasoningText !== '' || item.reasoningSummary !== '' || item.call !== undefined;
}

/** The one answer that a response's items make up. */
export function answerOf(items: readonly OutputItem[]): Omit<AnswerFacts, 'finishReason'> {
  const reasoning = items.map((item) => (item.reasoningText === '' ? item.reasoningSummary : item.reasoningText)).filter((text) => text !== '');
  return {
    text: items.map((item) => item.text).join(''),
    reasoning: reasoning.length === 0 ? undefined : reasoning.join('\n\n'),
    toolCalls: items.flatMap((item) => (item.call === undefined ? [] : [toolCall(item.call)])),
  };
}

function parts(value: unknown, separator: string): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value
    .filter(isObject)
    .map((part) => asString(part['text']) ?? asString(part['refusal']) ?? '')
    .join(separator);
}
