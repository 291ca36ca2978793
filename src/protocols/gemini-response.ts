import { asNumber, asString, type FinishReason, isObject, parseJson, UNKNOWN_USAGE } from '../core/index.ts';
import type { AnswerFacts, ResponseFacts } from './contract.ts';
import { readGeminiEmbeddingUsage, readGeminiUsage } from './gemini-usage.ts';
import { type ErrorReading, readErrorBody, readErrorValue } from './provider-error.ts';
import { errorFacts, isSuccess, MALFORMED_FACTS, NO_FACTS } from './response-facts.ts';
import type { StreamDialect } from './stream-reader.ts';
import { argumentsText, toolCall, type ToolCallDraft } from './tool-call-draft.ts';

interface Candidate {
  text: string;
  reasoning: string;
  readonly toolCalls: ToolCallDraft[];
  /** As Google words it. */
  finish: string | undefined;
  /** What a filter caught, where it says so. */
  caught: string | undefined;
}

/** An answer while it is read. */
export interface GeminiState {
  started: boolean;
  model: string | undefined;
  requestId: string | undefined;
  readonly candidates: Map<number, Candidate>;
  /** The last one that came: its counts are cumulative. */
  usage: unknown;
  /** Why the prompt was refused, where it was. */
  promptBlock: string | undefined;
  error: ErrorReading | undefined;
}

function newState(): GeminiState {
  return { started: false, model: undefined, requestId: undefined, candidates: new Map(), usage: undefined, promptBlock: undefined, error: undefined };
}

/** Takes a `GenerateContentResponse`: whole, or one of a stream. Returns false where the value is none. */
function apply(state: GeminiState, data: unknown): boolean {
  if (!isObject(data)) return false;
  const failed = data['error'] !== undefined && data['error'] !== null;
  const feedback = data['promptFeedback'];
  if (!failed && !Array.isArray(data['candidates']) && !isObject(feedback) && !isObject(data['usageMetadata'])) return false;

  if (failed) state.error = readErrorValue(data, 'the stream reported an error');
  state.model = asString(data['modelVersion']) ?? state.model;
  state.requestId = asString(data['responseId']) ?? state.requestId;
  if (isObject(data['usageMetadata'])) state.usage = data['usageMetadata'];
  if (isObject(feedback) && asString(feedback['blockReason']) !== undefined) {
    state.promptBlock = blockedCategories(feedback['safetyRatings']) ?? asString(feedback['blockReasonMessage']) ?? asString(feedback['blockReason']);
  }
  const candidates: readonly unknown[] = Array.isArray(data['candidates']) ? data['candidates'] : [];
  for (const [position, candidate] of candidates.entries()) if (isObject(candidate)) applyCandidate(state, candidate, position);
  return true;
}

function applyCandidate(state: GeminiState, data: Record<string, unknown>, position: number): void {
  // The first one's index is zero, which protocol buffers leave out.
  const index = asNumber(data['index']) ?? position;
  let candidate = state.candidates.get(index);
  if (candidate === undefined) {
    candidate = { text: '', reasoning: '', toolCalls: [], finish: undefined, caught: undefined };
    state.candidates.set(index, candidate);
  }
  const finish = asString(data['finishReason']);
  if (finish !== undefined && finish !== 'FINISH_REASON_UNSPECIFIED') candidate.finish = finish;
  candidate.caught = blockedCategories(data['safetyRatings']) ?? asString(data['finishMessage']) ?? candidate.caught;
  const content = data['content'];
  const parts: readonly unknown[] = isObject(content) && Array.isArray(content['parts']) ? content['parts'] : [];
  for (const part of parts) if (isObject(part) && addPart(candidate, part)) state.started = true;
}

/** Adds a part; returns whether it held any content. Code that Google ran itself, and media, hold nothing for us. */
function addPart(candidate: Candidate, part: Record<string, unknown>): boolean {
  const call = part['functionCall'];
  if (isObject(call)) {
    // Vertex can stream a call's arguments in parts, where asked to; they come without a name and are not put together here.
    const name = asString(call['name']);
    if (name !== undefined) candidate.toolCalls.push({ index: undefined, id: asString(call['id']) ?? '', name, argumentsText: argumentsText(call['args']) });
    return true;
  }
  const text = asString(part['text']);
  if (text === undefined) return isObject(part['inlineData']) || isObject(part['executableCode']);
  if (part['thought'] === true) candidate.reasoning += text;
  else candidate.text += text;
  return text !== '';
}

/** Names what a filter caught, e.g. `harassment (high)`, from ratings such as `{category: 'HARM_CATEGORY_HARASSMENT', probability: 'HIGH', blocked: true}`. */
function blockedCategories(ratings: unknown): string | undefined {
  const blocked = Array.isArray(ratings) ? ratings.filter(isObject).filter((rating) => rating['blocked'] === true) : [];
  const names = blocked.map(({ category, probability }) => {
    const name = (asString(category) ?? 'unnamed').replace(/^HARM_CATEGORY_/, '').toLowerCase();
    return typeof probability === 'string' ? `${name} (${probability.toLowerCase()})` : name;
  });
  return names.length === 0 ? undefined : names.join(', ');
}

/** Sources: Gemini API reference, `FinishReason`; Vertex AI reference, `FinishReason`. */
const FINISH: Readonly<Record<string, FinishReason>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  MODEL_ARMOR: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
  MALFORMED_FUNCTION_CALL: 'error',
  MALFORMED_RESPONSE: 'error',
  UNEXPECTED_TOOL_CALL: 'error',
  TOO_MANY_TOOL_CALLS: 'error',
};

function finishOf({ finish, toolCalls }: Candidate): FinishReason | undefined {
  if (finish === undefined) return undefined;
  const reason = Object.hasOwn(FINISH, finish) ? FINISH[finish] : 'other';
  // A call of a function ends with STOP like any other answer.
  return reason === 'stop' && toolCalls.length > 0 ? 'tool_calls' : reason;
}

function facts(state: GeminiState, generations = 1): ResponseFacts {
  const candidates = [...state.candidates.entries()].toSorted(([a], [b]) => a - b).map(([, candidate]) => candidate);
  const finished = candidates.length >= Math.max(1, generations) && candidates.every(({ finish }) => finish !== undefined);
  const ended = state.error === undefined && (finished || state.promptBlock !== undefined);
  const filtered = candidates.find((candidate) => finishOf(candidate) === 'content_filter');
  const refused = state.error?.error.contentFilter === true;
  return {
    model: state.model,
    requestId: state.requestId,
    answers: candidates.map(answer),
    usage: readGeminiUsage(state.usage, ended) ?? UNKNOWN_USAGE,
    blocked: filtered !== undefined || state.promptBlock !== undefined || refused,
    blockReason: refused ? state.error?.blockReason : (state.promptBlock ?? filtered?.caught ?? filtered?.finish),
    error: state.error?.error,
    complete: ended,
    malformed: false,
  };
}

function answer(candidate: Candidate): AnswerFacts {
  return {
    text: candidate.text,
    reasoning: candidate.reasoning === '' ? undefined : candidate.reasoning,
    toolCalls: candidate.toolCalls.map(toolCall),
    finishReason: finishOf(candidate),
  };
}

/** Reads a whole body, success or error: an answer, the answers of a stream in one list, or embeddings. */
export function readGeminiResponse(status: number, body: string): ResponseFacts {
  if (!isSuccess(status)) return errorFacts(readErrorBody(status, body));
  const data = parseJson(body);
  const list: readonly unknown[] = Array.isArray(data) ? data : [data];
  const state = newState();
  const read = list.length > 0 && list.every((entry) => apply(state, entry));
  if (read) return wholeFacts(state);
  return isObject(data) ? embeddingFacts(data) : MALFORMED_FACTS;
}

/** A whole body has come to its end, whatever it says of it. */
function wholeFacts(state: GeminiState): ResponseFacts {
  const read = facts(state);
  if (read.error !== undefined) return read;
  return { ...read, usage: readGeminiUsage(state.usage, true) ?? UNKNOWN_USAGE, complete: true };
}

function embeddingFacts(data: Record<string, unknown>): ResponseFacts {
  if (!isObject(data['embedding']) && !Array.isArray(data['embeddings'])) return MALFORMED_FACTS;
  return { ...NO_FACTS, model: asString(data['modelVersion']), usage: readGeminiEmbeddingUsage(data) ?? UNKNOWN_USAGE, complete: true };
}

/** How streams are read. They are complete once each candidate has finished, or the prompt is refused. */
export function geminiDialect(generations: number | undefined): StreamDialect<GeminiState> {
  return { newState, apply, facts: (state) => facts(state, generations), readWhole: (body) => readGeminiResponse(200, body) };
}
