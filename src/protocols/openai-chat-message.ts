import { asNumber, asString, isObject } from '../core/index.ts';
import { argumentsText, type ToolCallDraft } from './tool-call-draft.ts';

/** An answer while it is read, from a whole message or from the deltas of a stream. */
export interface AnswerDraft {
  text: string;
  reasoning: string;
  readonly toolCalls: ToolCallDraft[];
}

export function newAnswerDraft(): AnswerDraft {
  return { text: '', reasoning: '', toolCalls: [] };
}

/**
 * Adds what a chat message, or a delta of one, holds. Returns whether that was any content.
 *
 * Refusals count as text. Reasoning comes as `reasoning_content` (DeepSeek, vLLM), `reasoning` (OpenRouter, Groq),
 * `reasoning_details` (OpenRouter) or thinking parts (Mistral); servers that send several of them send the same text.
 */
export function addMessage(draft: AnswerDraft, message: unknown): boolean {
  if (!isObject(message)) return false;
  const content = readContent(message['content']);
  const text = content.text + (asString(message['refusal']) ?? '');
  const reasoning =
    nonEmpty(message['reasoning_content']) ?? nonEmpty(message['reasoning']) ?? nonEmpty(content.reasoning) ?? readDetails(message['reasoning_details']);
  draft.text += text;
  draft.reasoning += reasoning;
  const called = addToolCalls(draft.toolCalls, message['tool_calls']);
  const calledFunction = addFunctionCall(draft.toolCalls, message['function_call']);
  return text !== '' || reasoning !== '' || called || calledFunction;
}

function readContent(content: unknown): { readonly text: string; readonly reasoning: string } {
  if (typeof content === 'string') return { text: content, reasoning: '' };
  let text = '';
  let reasoning = '';
  for (const part of Array.isArray(content) ? content.filter(isObject) : []) {
    if (part['type'] === 'thinking') reasoning += typeof part['thinking'] === 'string' ? part['thinking'] : readTexts(part['thinking']);
    else text += asString(part['text']) ?? asString(part['refusal']) ?? '';
  }
  return { text, reasoning };
}

function readTexts(parts: unknown): string {
  if (!Array.isArray(parts)) return '';
  return parts.map((part: unknown) => (isObject(part) ? (asString(part['text']) ?? '') : '')).join('');
}

function readDetails(details: unknown): string {
  if (!Array.isArray(details)) return '';
  return details
    .filter(isObject)
    .map((detail) => asString(detail['text']) ?? asString(detail['summary']) ?? '')
    .join('');
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function addToolCalls(drafts: ToolCallDraft[], calls: unknown): boolean {
  if (!Array.isArray(calls)) return false;
  const pieces = calls.filter(isObject);
  for (const piece of pieces) {
    const id = nonEmpty(piece['id']);
    // Custom tools carry free text under `custom.input` in place of `function.arguments`.
    const call = [piece['function'], piece['custom']].find(isObject) ?? {};
    const name = nonEmpty(call['name']);
    const draft = draftFor(drafts, asNumber(piece['index']), id, name);
    if (draft.id === '') draft.id = id ?? '';
    if (draft.name === '') draft.name = name ?? '';
    draft.argumentsText += argumentsText(call['arguments'] ?? call['input']);
  }
  return pieces.length > 0;
}

/**
 * Finds the call that a piece belongs to. OpenAI numbers calls and names them once; others leave the number out, or
 * number every call 0: a new id that comes with a name then begins a new call.
 */
function draftFor(drafts: ToolCallDraft[], index: number | undefined, id: string | undefined, name: string | undefined): ToolCallDraft {
  const found = index === undefined ? drafts.findLast((draft) => id === undefined || draft.id === id) : drafts.findLast((draft) => draft.index === index);
  const another = found !== undefined && id !== undefined && name !== undefined && found.id !== '' && found.id !== id;
  if (found !== undefined && !another) return found;
  const draft: ToolCallDraft = { index, id: '', name: '', argumentsText: '' };
  drafts.push(draft);
  return draft;
}

/** The single call of the old functions API, which has no id. */
function addFunctionCall(drafts: ToolCallDraft[], call: unknown): boolean {
  if (!isObject(call)) return false;
  const draft = draftFor(drafts, -1, undefined, undefined);
  if (draft.name === '') draft.name = asString(call['name']) ?? '';
  draft.argumentsText += argumentsText(call['arguments']);
  return true;
}
