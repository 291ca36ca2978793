import { asString, isObject, parseJson } from '../core/index.ts';
import { filteredCategories, isFilterCode } from './content-filter.ts';
import type { ProviderError } from './contract.ts';
import { durationMs } from './durations.ts';

/** An error, and where a content filter was at work, what it caught. */
export interface ErrorReading {
  readonly error: ProviderError;
  readonly blockReason: string | undefined;
}

const LONGEST_MESSAGE = 1000;

/**
 * Reads the body of an error answer: OpenAI's and Azure's `{error: {message, type, code, innererror}}`, Anthropic's
 * `{type: 'error', error: {type, message}}`, `{error: 'text'}` (Ollama), `{statusCode, message}` (Azure's gateway),
 * `{object: 'error', message}` and `{detail}` (vLLM), `{error: {code, message, status, details}}` (Google; in a list where a stream was asked for),
 * a proxy's HTML page, plain text, nothing at all.
 *
 * @param status HTTP status, used to say something where the body says nothing
 */
export function readErrorBody(status: number, body: string): ErrorReading {
  const parsed = parseJson(body);
  if (parsed === undefined || typeof parsed !== 'object' || parsed === null) {
    return { error: plainError(textMessage(body) ?? `HTTP ${status} with an empty body`), blockReason: undefined };
  }
  return readErrorValue(Array.isArray(parsed) ? parsed[0] : parsed, `HTTP ${status}`);
}

/**
 * Reads a parsed error, whole or from an event in a stream.
 *
 * @param fallback the message where the value holds none
 */
export function readErrorValue(value: unknown, fallback: string): ErrorReading {
  const body = isObject(value) ? value : {};
  const inner = body['error'] ?? (Array.isArray(body['errors']) ? body['errors'][0] : undefined);
  if (typeof inner === 'string') return { error: plainError(asString(body['message']) ?? inner), blockReason: undefined };
  const error = isObject(inner) ? inner : body;
  const innerError = isObject(error['innererror']) ? error['innererror'] : {};
  const metadata = isObject(error['metadata']) ? error['metadata'] : {};

  const message = cut(messageOf(error) ?? fallback);
  // Beside a nested error the outer type only says that there is one.
  const type = error['type'] === 'error' ? undefined : (asString(error['type']) ?? asString(error['status']));
  const code = word(error['code']) ?? word(innerError['code']) ?? word(error['statusCode']);
  const filters = [code, type, word(innerError['code'])].some(isFilterCode);
  const flagged = Array.isArray(metadata['reasons']) && metadata['flagged_input'] !== undefined;
  const contentFilter = filters || flagged || isPolicyRefusal(code, message);
  const retryAfterMs = retryDelay(error['details']);
  return {
    error: { message, type, code, contentFilter, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    blockReason: contentFilter ? blockReason(body, error, innerError, metadata) ?? message : undefined,
  };
}

/** Source: Google APIs, `google.rpc.RetryInfo`: `{"@type": "…/google.rpc.RetryInfo", "retryDelay": "34.07s"}`. */
function retryDelay(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined;
  const delay: unknown = details.filter(isObject).find((detail) => typeof detail['retryDelay'] === 'string')?.['retryDelay'];
  return typeof delay === 'string' ? durationMs(delay) : undefined;
}

function plainError(message: string): ProviderError {
  return { message: cut(message), type: undefined, code: undefined, contentFilter: false };
}

function messageOf(error: Record<string, unknown>): string | undefined {
  for (const key of ['message', 'detail', 'error', 'title']) {
    const value = error[key];
    if (typeof value === 'string' && value.trim() !== '') return value;
    // FastAPI's validation errors: a list of `{loc, msg}`.
    if (key === 'detail' && Array.isArray(value)) {
      const parts = value.filter(isObject).map((entry) => asString(entry['msg']));
      if (parts.length > 0) return parts.filter((part) => part !== undefined).join('; ');
    }
  }
  return undefined;
}

/** OpenAI refuses prompts to reasoning models with the general code `invalid_prompt`; only its message tells a policy from a mistake. */
function isPolicyRefusal(code: string | undefined, message: string): boolean {
  return code === 'invalid_prompt' && /usage policy|flagged/i.test(message);
}

/** Azure says what was caught under either spelling; OpenRouter's moderation lists reasons. */
function blockReason(
  body: Record<string, unknown>,
  error: Record<string, unknown>,
  innerError: Record<string, unknown>,
  metadata: Record<string, unknown>,
): string | undefined {
  const results = [
    innerError['content_filter_result'],
    innerError['content_filter_results'],
    error['content_filter_result'],
    error['content_filter_results'],
    error['content_filters'],
    body['content_filters'],
  ];
  for (const result of results) {
    const categories = filteredCategories(result);
    if (categories !== undefined) return categories;
  }
  const reasons = metadata['reasons'];
  if (!Array.isArray(reasons)) return undefined;
  const words = reasons.filter((reason) => typeof reason === 'string');
  return words.length === 0 ? undefined : words.join(', ');
}

function word(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** What a body that is not JSON says: an HTML page's title, else its text. */
function textMessage(body: string): string | undefined {
  const start = body.slice(0, 8 * LONGEST_MESSAGE);
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(start)?.[1]?.trim();
  if (title !== undefined && title !== '') return title;
  const text = start
    .replaceAll(/<(script|style)\b.*?<\/\1>/gis, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return text === '' ? undefined : text;
}

function cut(message: string): string {
  return message.length <= LONGEST_MESSAGE ? message : `${message.slice(0, LONGEST_MESSAGE)}…`;
}
