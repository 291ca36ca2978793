import { asNumber, asString, type FinishReason, isObject, parseJson, UNKNOWN_USAGE, type Usage } from '../core/index.ts';
import { mergeAnthropicUsage, readAnthropicUsage } from './anthropic-usage.ts';
import type { ResponseFacts } from './contract.ts';
import { finishReason } from './finish-reason.ts';
import { type ErrorReading, readErrorBody, readErrorValue } from './provider-error.ts';
import { errorFacts, isSuccess, MALFORMED_FACTS } from './response-facts.ts';
import type { StreamDialect } from './stream-reader.ts';
import { argumentsText } from './tool-call-draft.ts';

interface Block {
  text: string;
  thinking: string;
  call: { readonly id: string; readonly name: string; readonly startInput: string; partialJson: string } | undefined;
}

/** A message while it is read. */
export interface MessageState {
  started: boolean;
  model: string | undefined;
  requestId: string | undefined;
  /** By index, as the stream numbers them. */
  readonly blocks: Map<number, Block>;
  usage: Record<string, unknown>;
  /** Whether `output_tokens` is the answer's own figure; what a stream begins with is a placeholder. */
  outputCounted: boolean;
  finish: FinishReason | undefined;
  refusal: string | undefined;
  error: ErrorReading | undefined;
  ended: boolean;
}

function newState(): MessageState {
  return {
    started: false,
    model: undefined,
    requestId: undefined,
    blocks: new Map(),
    usage: {},
    outputCounted: false,
    finish: undefined,
    refusal: undefined,
    error: undefined,
    ended: false,
  };
}

/** Takes one event of a stream. New event types may come at any time and are passed over. */
function apply(state: MessageState, data: unknown, event: string | undefined): boolean {
  if (!isObject(data)) return false;
  const type: unknown = data['type'] ?? event;
  switch (type) {
    case 'message_start':
      applyMessage(state, data['message']);
      return true;
    case 'content_block_start':
      startBlock(state, asNumber(data['index']) ?? state.blocks.size, data['content_block']);
      return true;
    case 'content_block_delta':
      applyDelta(state, asNumber(data['index']) ?? 0, data['delta']);
      return true;
    case 'message_delta':
      applyEnd(state, data['delta']);
      state.usage = mergeAnthropicUsage(state.usage, data['usage']);
      state.outputCounted ||= isObject(data['usage']) && asNumber(data['usage']['output_tokens']) !== undefined;
      return true;
    case 'message_stop':
      state.ended = true;
      state.outputCounted = true;
      return true;
    case 'error':
      state.error = readErrorValue(data, 'the stream reported an error');
      state.requestId = asString(data['request_id']) ?? state.requestId;
      return true;
    case 'content_block_stop':
    case 'ping':
      return true;
    default:
      return false;
  }
}

/** Takes a message: whole, or as a stream begins with it, its content still empty. */
function applyMessage(state: MessageState, message: unknown): void {
  if (!isObject(message)) return;
  state.model = asString(message['model']) ?? state.model;
  state.requestId = asString(message['id']) ?? state.requestId;
  state.usage = mergeAnthropicUsage(state.usage, message['usage']);
  applyEnd(state, message);
  const content: readonly unknown[] = Array.isArray(message['content']) ? message['content'] : [];
  for (const [index, block] of content.entries()) startBlock(state, index, block);
}

function applyEnd(state: MessageState, end: unknown): void {
  if (!isObject(end)) return;
  state.finish = finishReason(end['stop_reason']) ?? state.finish;
  const details = end['stop_details'];
  if (isObject(details)) state.refusal = asString(details['category']) ?? asString(details['explanation']) ?? state.refusal;
}

function startBlock(state: MessageState, index: number, value: unknown): void {
  const block: Block = { text: '', thinking: '', call: undefined };
  if (isObject(value)) {
    if (value['type'] === 'text') block.text = asString(value['text']) ?? '';
    else if (value['type'] === 'thinking') block.thinking = asString(value['thinking']) ?? '';
    else if (value['type'] === 'tool_use') {
      block.call = {
        id: asString(value['id']) ?? '',
        name: asString(value['name']) ?? '',
        startInput: argumentsText(value['input']),
        partialJson: '',
      };
    }
  }
  state.blocks.set(index, block);
  state.started ||= block.text !== '' || block.thinking !== '' || block.call !== undefined;
}

function applyDelta(state: MessageState, index: number, delta: unknown): void {
  if (!isObject(delta)) return;
  const block = state.blocks.get(index) ?? { text: '', thinking: '', call: undefined };
  state.blocks.set(index, block);
  const piece = asString(delta['text']) ?? asString(delta['thinking']) ?? asString(delta['partial_json']) ?? '';
  switch (delta['type']) {
    case 'text_delta':
      block.text += piece;
      break;
    case 'thinking_delta':
      block.thinking += piece;
      break;
    case 'input_json_delta':
      if (block.call !== undefined) block.call.partialJson += piece;
      break;
    default:
      // Signatures and citations are no content of their own.
      return;
  }
  state.started ||= piece !== '';
}

function facts(state: MessageState): ResponseFacts {
  const blocks = [...state.blocks.entries()].toSorted(([a], [b]) => a - b).map(([, block]) => block);
  const thinking = blocks.map((block) => block.thinking).join('');
  const filtered = state.finish === 'content_filter';
  const refused = state.error?.error.contentFilter ?? false;
  return {
    model: state.model,
    requestId: state.requestId,
    answers:
      blocks.length === 0 && state.finish === undefined
        ? []
        : [
            {
              text: blocks.map((block) => block.text).join(''),
              reasoning: thinking === '' ? undefined : thinking,
              toolCalls: blocks.flatMap(({ call }) =>
                call === undefined ? [] : [{ id: call.id, name: call.name, argumentsText: call.partialJson === '' ? call.startInput : call.partialJson }],
              ),
              finishReason: state.finish,
            },
          ],
    usage: usageOf(state),
    blocked: filtered || refused,
    blockReason: refused ? state.error?.blockReason : filtered ? (state.refusal ?? 'refusal') : undefined,
    error: state.error?.error,
    complete: state.error === undefined && state.ended,
    malformed: false,
  };
}

/** A stream that was cut has its input figures, but how much it wrote is not known: its first `output_tokens` is no count of it. */
function usageOf(state: MessageState): Usage {
  const known = state.outputCounted ? state.usage : { ...state.usage, output_tokens: undefined };
  const usage = readAnthropicUsage(known);
  return usage === undefined ? UNKNOWN_USAGE : { ...usage, raw: state.usage };
}

/** Reads a whole body of the messages API, success or error. */
export function readMessagesResponse(status: number, body: string): ResponseFacts {
  const data = parseJson(body);
  const message = isObject(data) ? data : {};
  const failed = message['type'] === 'error' || isObject(message['error']);
  if (!isSuccess(status) || failed) return errorFacts(readErrorBody(status, body), asString(message['request_id']));
  if (!Array.isArray(message['content'])) return MALFORMED_FACTS;
  const state = newState();
  applyMessage(state, message);
  return facts({ ...state, outputCounted: true, ended: true });
}

/** How streams of the messages API are read. They end with `message_stop`. */
export const messagesDialect: StreamDialect<MessageState> = {
  newState,
  apply,
  facts,
  readWhole: (body) => readMessagesResponse(200, body),
};
