import { asNumber, asString, type FinishReason, isObject, parseJson, UNKNOWN_USAGE, type Usage } from '../core/index.ts';
import { filteredCategories } from './content-filter.ts';
import type { AnswerFacts, ResponseFacts } from './contract.ts';
import { finishReason } from './finish-reason.ts';
import { addMessage, type AnswerDraft, newAnswerDraft } from './openai-chat-message.ts';
import { readOpenAiUsage } from './openai-usage.ts';
import { type ErrorReading, readErrorBody, readErrorValue } from './provider-error.ts';
import { errorFacts, isSuccess, MALFORMED_FACTS } from './response-facts.ts';
import type { StreamDialect } from './stream-reader.ts';
import { toolCall } from './tool-call-draft.ts';

interface Choice extends AnswerDraft {
  finishReason: FinishReason | undefined;
}

/** A chat completion while it is read. */
export interface ChatState {
  started: boolean;
  model: string | undefined;
  requestId: string | undefined;
  readonly choices: Map<number, Choice>;
  usage: Usage;
  filtered: string | undefined;
  error: ErrorReading | undefined;
  done: boolean;
}

function newState(): ChatState {
  return {
    started: false,
    model: undefined,
    requestId: undefined,
    choices: new Map(),
    usage: UNKNOWN_USAGE,
    filtered: undefined,
    error: undefined,
    done: false,
  };
}

/**
 * Takes a chat completion or one chunk of it; also completions of the older text API, whose choices carry `text`.
 * Returns false where the value is not of this format.
 *
 * Usage may come on any chunk, and on every one (vLLM's `continuous_usage_stats`): the last one holds.
 */
function apply(state: ChatState, data: unknown, event?: string): boolean {
  if (!isObject(data)) return false;
  const failed = (data['error'] !== undefined && data['error'] !== null) || data['object'] === 'error' || event === 'error';
  const usage = readOpenAiUsage(data['usage']);
  const choices = data['choices'];
  // Events of other APIs may carry usage too; theirs have a `type`.
  const ours = Array.isArray(choices) || isChunk(data) || (usage !== undefined && data['type'] === undefined);
  if (!failed && !ours) return false;

  if (failed) state.error = readErrorValue(data, 'the stream reported an error');
  state.model ??= nonEmpty(data['model']);
  state.requestId ??= nonEmpty(data['id']);
  if (usage !== undefined) state.usage = usage;
  const list: readonly unknown[] = Array.isArray(choices) ? choices : [];
  for (const [position, choice] of list.entries()) if (isObject(choice)) applyChoice(state, choice, position);
  return true;
}

function isChunk(data: Record<string, unknown>): boolean {
  return data['object'] === 'chat.completion.chunk' || data['object'] === 'text_completion';
}

function applyChoice(state: ChatState, data: Record<string, unknown>, position: number): void {
  const index = asNumber(data['index']) ?? position;
  let choice = state.choices.get(index);
  if (choice === undefined) {
    choice = { ...newAnswerDraft(), finishReason: undefined };
    state.choices.set(index, choice);
  }
  if (addMessage(choice, data['delta'] ?? data['message'])) state.started = true;
  const text = asString(data['text']);
  if (text !== undefined && text !== '') {
    choice.text += text;
    state.started = true;
  }
  choice.finishReason = finishReason(data['finish_reason']) ?? choice.finishReason;
  state.filtered = filteredCategories(data['content_filter_results']) ?? state.filtered;
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function facts(state: ChatState, generations = 1): ResponseFacts {
  const choices = [...state.choices.entries()].toSorted(([a], [b]) => a - b).map(([, choice]) => choice);
  const finished = choices.length >= Math.max(1, generations) && choices.every((choice) => choice.finishReason !== undefined);
  const filtered = choices.some((choice) => choice.finishReason === 'content_filter');
  const refused = state.error?.error.contentFilter ?? false;
  return {
    model: state.model,
    requestId: state.requestId,
    answers: choices.map(answer),
    usage: state.usage,
    blocked: filtered || refused,
    blockReason: refused ? state.error?.blockReason : filtered ? (state.filtered ?? 'content_filter') : undefined,
    error: state.error?.error,
    complete: state.error === undefined && (state.done || finished),
    malformed: false,
  };
}

function answer(choice: Choice): AnswerFacts {
  return {
    text: choice.text,
    reasoning: choice.reasoning === '' ? undefined : choice.reasoning,
    toolCalls: choice.toolCalls.map(toolCall),
    finishReason: choice.finishReason,
  };
}

/** Reads a whole body of the chat completions API (or the older text completions API), success or error. */
export function readChatResponse(status: number, body: string): ResponseFacts {
  if (!isSuccess(status)) return errorFacts(readErrorBody(status, body));
  const data = parseJson(body);
  if (!isObject(data)) return MALFORMED_FACTS;
  const state = newState();
  const choices = data['choices'];
  const answered = Array.isArray(choices) && choices.every(isAnswer);
  const failed = apply(state, data) && state.error !== undefined;
  if (!answered && !failed) return MALFORMED_FACTS;
  return { ...facts(state), complete: !failed };
}

function isAnswer(choice: unknown): boolean {
  return isObject(choice) && (isObject(choice['message']) || typeof choice['text'] === 'string');
}

/** How streams of the chat completions API are read. They are complete once each started choice has finished, or at `[DONE]`. */
export function chatDialect(generations: number | undefined): StreamDialect<ChatState> {
  return {
    newState,
    apply,
    done: (state) => {
      state.done = true;
    },
    facts: (state) => facts(state, generations),
    readWhole: (body) => readChatResponse(200, body),
  };
}
