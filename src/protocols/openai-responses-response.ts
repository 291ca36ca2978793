import { asNumber, asString, type FinishReason, isObject, parseJson, UNKNOWN_USAGE, type Usage } from '../core/index.ts';
import { filteredCategories } from './content-filter.ts';
import type { ResponseFacts } from './contract.ts';
import { finishReason } from './finish-reason.ts';
import { answerOf, hasContent, newOutputItem, type OutputItem, readOutputItem } from './openai-responses-output.ts';
import { readOpenAiUsage } from './openai-usage.ts';
import { type ErrorReading, readErrorBody, readErrorValue } from './provider-error.ts';
import { errorFacts, isSuccess, MALFORMED_FACTS } from './response-facts.ts';
import type { StreamDialect } from './stream-reader.ts';

/** A response while it is read. */
export interface ResponsesState {
  started: boolean;
  model: string | undefined;
  requestId: string | undefined;
  /** By place in the output. */
  items: Map<number, OutputItem>;
  usage: Usage;
  status: string | undefined;
  incompleteReason: string | undefined;
  filtered: string | undefined;
  error: ErrorReading | undefined;
  ended: boolean;
}

function newState(): ResponsesState {
  return {
    started: false,
    model: undefined,
    requestId: undefined,
    items: new Map(),
    usage: UNKNOWN_USAGE,
    status: undefined,
    incompleteReason: undefined,
    filtered: undefined,
    error: undefined,
    ended: false,
  };
}

/** Takes a `response` object: whole, or as events carry it at the start and the end of a stream. */
function applyResponse(state: ResponsesState, response: unknown): void {
  if (!isObject(response)) return;
  state.model = asString(response['model']) ?? state.model;
  state.requestId = asString(response['id']) ?? state.requestId;
  state.status = asString(response['status']) ?? state.status;
  state.usage = readOpenAiUsage(response['usage']) ?? state.usage;
  state.filtered = filteredCategories(response['content_filters']) ?? state.filtered;
  const incomplete = response['incomplete_details'];
  if (isObject(incomplete)) state.incompleteReason = asString(incomplete['reason']) ?? state.incompleteReason;
  if (isObject(response['error']) || state.status === 'failed') state.error = readErrorValue(response, 'the response failed');
  const output = response['output'];
  // Some servers leave the output of their last event empty; what the stream brought then holds.
  if (Array.isArray(output) && output.length > 0) state.items = new Map(output.map((item, place) => [place, readOutputItem(item)]));
}

/** Takes one event of a stream. Event types it does not know are passed over. */
function apply(state: ResponsesState, data: unknown, event: string | undefined): boolean {
  if (!isObject(data)) return false;
  const type = asString(data['type']) ?? event ?? '';
  if (type === 'error' || type === 'response.error' || (type === '' && isObject(data['error']))) {
    state.error = readErrorValue(data, 'the stream reported an error');
    return true;
  }
  if (!type.startsWith('response.')) return type === 'keepalive' || type === 'ping';
  if (isObject(data['response'])) {
    applyResponse(state, data['response']);
    if (ENDS.has(type)) state.ended = true;
    if (type === 'response.failed') state.error ??= readErrorValue(data['response'], 'the response failed');
    return true;
  }
  applyItemEvent(state, type, data);
  return true;
}

const ENDS = new Set(['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled']);

function applyItemEvent(state: ResponsesState, type: string, data: Record<string, unknown>): void {
  const place = asNumber(data['output_index']) ?? 0;
  const item = state.items.get(place) ?? newOutputItem();
  const delta = asString(data['delta']) ?? '';
  switch (type) {
    case 'response.output_item.added':
    case 'response.output_item.done': {
      const whole = readOutputItem(data['item']);
      state.items.set(place, hasContent(whole) ? whole : item);
      state.started ||= hasContent(whole);
      return;
    }
    case 'response.output_text.delta':
    case 'response.refusal.delta':
      item.text += delta;
      break;
    case 'response.reasoning_text.delta':
      item.reasoningText += delta;
      break;
    case 'response.reasoning_summary_text.delta':
      item.reasoningSummary += delta;
      break;
    case 'response.function_call_arguments.delta':
    case 'response.custom_tool_call_input.delta':
      item.call ??= { index: undefined, id: asString(data['item_id']) ?? '', name: '', argumentsText: '' };
      item.call.argumentsText += delta;
      break;
    default:
      return;
  }
  state.items.set(place, item);
  state.started ||= hasContent(item);
}

function facts(state: ResponsesState): ResponseFacts {
  const items = [...state.items.entries()].toSorted(([a], [b]) => a - b).map(([, item]) => item);
  const answer = answerOf(items);
  const finish = finishOf(state, answer.toolCalls.length > 0);
  const filtered = finish === 'content_filter';
  const refused = state.error?.error.contentFilter ?? false;
  return {
    model: state.model,
    requestId: state.requestId,
    answers: items.length === 0 && finish === undefined ? [] : [{ ...answer, finishReason: finish }],
    usage: state.usage,
    blocked: filtered || refused,
    blockReason: refused ? state.error?.blockReason : filtered ? (state.filtered ?? 'content_filter') : undefined,
    error: state.error?.error,
    complete: state.error === undefined && state.ended,
    malformed: false,
  };
}

/** The API has a status in place of a finish reason; one in progress has none yet. */
function finishOf(state: ResponsesState, called: boolean): FinishReason | undefined {
  switch (state.status) {
    case 'completed':
      return called ? 'tool_calls' : 'stop';
    case 'incomplete':
      return finishReason(state.incompleteReason) ?? 'other';
    case 'failed':
      return 'error';
    case 'cancelled':
      return 'other';
    case undefined:
    default:
      return undefined;
  }
}

/** Reads a whole body of the responses API, success or error. */
export function readResponsesResponse(status: number, body: string): ResponseFacts {
  if (!isSuccess(status)) return errorFacts(readErrorBody(status, body));
  const data = parseJson(body);
  if (!isObject(data)) return MALFORMED_FACTS;
  if (!Array.isArray(data['output']) && data['object'] !== 'response') {
    return data['error'] === undefined || data['error'] === null ? MALFORMED_FACTS : errorFacts(readErrorBody(status, body));
  }
  const state = newState();
  applyResponse(state, data);
  return { ...facts(state), complete: state.error === undefined };
}

/** How streams of the responses API are read. They end with `response.completed`, `.incomplete`, `.failed` or `.cancelled`. */
export const responsesDialect: StreamDialect<ResponsesState> = {
  newState,
  apply,
  facts,
  readWhole: (body) => readResponsesResponse(200, body),
};
