import { asString, type FinishReason, isObject, parseJson, UNKNOWN_USAGE, type Usage } from '../core/index.ts';
import type { ResponseFacts } from './contract.ts';
import { finishReason } from './finish-reason.ts';
import { type ErrorReading, readErrorBody, readErrorValue } from './provider-error.ts';
import { errorFacts, isSuccess, MALFORMED_FACTS, NO_FACTS } from './response-facts.ts';
import type { StreamDialect } from './stream-reader.ts';
import { tokenCount } from './token-count.ts';
import { argumentsText, toolCall, type ToolCallDraft } from './tool-call-draft.ts';

/** An answer while it is read. */
export interface OllamaState {
  started: boolean;
  model: string | undefined;
  text: string;
  thinking: string;
  readonly toolCalls: ToolCallDraft[];
  usage: Usage;
  doneReason: string | undefined;
  done: boolean;
  error: ErrorReading | undefined;
}

function newState(): OllamaState {
  return { started: false, model: undefined, text: '', thinking: '', toolCalls: [], usage: UNKNOWN_USAGE, doneReason: undefined, done: false, error: undefined };
}

/** Takes an answer of `/api/chat` or `/api/generate`: whole, or one line of a stream. Returns false where the value is none. */
function apply(state: OllamaState, data: unknown): boolean {
  if (!isObject(data)) return false;
  const failed = data['error'] !== undefined && data['error'] !== null;
  const message = data['message'];
  const ours = isObject(message) || typeof data['response'] === 'string' || typeof data['done'] === 'boolean';
  if (!failed && !ours) return false;

  if (failed) state.error = readErrorValue(data, 'the stream reported an error');
  state.model = asString(data['model']) ?? state.model;
  if (isObject(message)) addPiece(state, message['content'], message['thinking'], message['tool_calls']);
  else addPiece(state, data['response'], data['thinking'], data['tool_calls']);
  if (data['done'] === true) {
    state.done = true;
    state.doneReason = asString(data['done_reason']);
    state.usage = readOllamaUsage(data) ?? UNKNOWN_USAGE;
  }
  return true;
}

function addPiece(state: OllamaState, content: unknown, thinking: unknown, calls: unknown): void {
  const text = asString(content) ?? '';
  const thought = asString(thinking) ?? '';
  state.text += text;
  state.thinking += thought;
  const list = Array.isArray(calls) ? calls.filter(isObject) : [];
  for (const call of list) {
    const called = isObject(call['function']) ? call['function'] : {};
    state.toolCalls.push({ index: undefined, id: asString(call['id']) ?? '', name: asString(called['name']) ?? '', argumentsText: argumentsText(called['arguments']) });
  }
  state.started ||= text !== '' || thought !== '' || list.length > 0;
}

/** A model was loaded or let go, as a request without a prompt asks: nothing was read or written. */
const NOT_ASKED = new Set(['load', 'unload']);

const NOTHING_USED: Omit<Usage, 'raw'> = { inputFresh: 0, cacheRead: undefined, cacheWrite: undefined, outputText: 0, reasoning: undefined, source: 'reported' };

/**
 * Reads the counts at the end of an answer. `undefined` where there is none.
 *
 * `prompt_eval_count` includes what came from the cache, which newer versions tell apart; older ones leave it out where the whole prompt was
 * cached: unknown, not zero. `eval_count` includes thinking, which no field tells apart.
 *
 * Source: Ollama docs, "API", and `Metrics` in its `api/types.go`.
 */
function readOllamaUsage(data: Record<string, unknown>): Usage | undefined {
  const prompt = tokenCount(data['prompt_eval_count']);
  const output = tokenCount(data['eval_count']);
  const raw = Object.fromEntries(Object.entries(data).filter(([name]) => name.endsWith('_count') || name.endsWith('_duration')));
  if (prompt === undefined && output === undefined) return NOT_ASKED.has(asString(data['done_reason']) ?? '') ? { ...NOTHING_USED, raw } : undefined;
  const cached = tokenCount(data['prompt_eval_cached_count']);
  const cacheRead = cached === undefined || prompt === undefined ? cached : Math.min(cached, prompt);
  return { inputFresh: prompt === undefined ? undefined : prompt - (cacheRead ?? 0), cacheRead, cacheWrite: undefined, outputText: output, reasoning: undefined, source: 'reported', raw };
}

function finishOf({ doneReason, toolCalls }: OllamaState): FinishReason | undefined {
  const reason = finishReason(doneReason);
  return reason === 'stop' && toolCalls.length > 0 ? 'tool_calls' : reason;
}

function facts(state: OllamaState): ResponseFacts {
  const silent = !state.started && !state.done;
  return {
    model: state.model,
    requestId: undefined,
    answers: silent
      ? []
      : [{ text: state.text, reasoning: state.thinking === '' ? undefined : state.thinking, toolCalls: state.toolCalls.map(toolCall), finishReason: finishOf(state) }],
    usage: state.usage,
    blocked: state.error?.error.contentFilter ?? false,
    blockReason: state.error?.blockReason,
    error: state.error?.error,
    complete: state.error === undefined && state.done,
    malformed: false,
  };
}

/** Reads a whole body, success or error: an answer or embeddings. */
export function readOllamaResponse(status: number, body: string): ResponseFacts {
  if (!isSuccess(status)) return errorFacts(readErrorBody(status, body));
  const data = parseJson(body);
  if (!isObject(data)) return MALFORMED_FACTS;
  if (data['error'] === undefined && (Array.isArray(data['embeddings']) || Array.isArray(data['embedding']))) return embeddingFacts(data);
  const state = newState();
  if (!apply(state, data)) return MALFORMED_FACTS;
  return { ...facts(state), complete: state.error === undefined };
}

function embeddingFacts(data: Record<string, unknown>): ResponseFacts {
  const usage = readOllamaUsage(data);
  return { ...NO_FACTS, model: asString(data['model']), usage: usage === undefined ? UNKNOWN_USAGE : { ...usage, outputText: 0 }, complete: true };
}

/** How streams are read. They end with a line that is `done`. */
export const ollamaDialect: StreamDialect<OllamaState> = {
  newState,
  apply,
  facts,
  readWhole: (body) => readOllamaResponse(200, body),
};
