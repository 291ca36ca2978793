import type { UpstreamKind } from './contract.ts';
import type { Refusal } from './refusal.ts';

/** Whose error bodies a caller reads. */
export type ErrorDialect = 'openai' | 'anthropic' | 'gemini' | 'ollama';

/** The dialect that a caller of this path reads errors in: a provider may speak another's format on some paths. */
export function errorDialect(kind: UpstreamKind | undefined, path: string): ErrorDialect {
  if (/\/messages(?:[/?]|$)/.test(path)) return 'anthropic';
  if (kind === 'gemini') return path.includes('/openai/') ? 'openai' : 'gemini';
  if (kind === 'ollama') return path.includes('/v1/') ? 'openai' : 'ollama';
  return kind === 'anthropic' ? 'anthropic' : 'openai';
}

/** Anthropic, "Errors"; OpenAI uses the same words where it has the same errors. */
const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
};

/** google.rpc.Code by HTTP status. */
const GOOGLE_STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  501: 'UNIMPLEMENTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** The JSON body of a refusal, as the caller's SDK expects errors of its provider. */
export function errorBody(dialect: ErrorDialect, refusal: Pick<Refusal, 'status' | 'code' | 'text'>): string {
  const { status, code } = refusal;
  const message = `assay: ${refusal.text}`;
  const type = TYPES[status] ?? 'api_error';
  switch (dialect) {
    case 'openai':
      return JSON.stringify({ error: { message, type, param: null, code } });
    case 'anthropic':
      return JSON.stringify({ type: 'error', error: { type, message, code } });
    case 'gemini':
      return JSON.stringify({
        error: {
          code: status,
          message,
          status: GOOGLE_STATUS[status] ?? 'INTERNAL',
          details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code.toUpperCase(), domain: 'assay' }],
        },
      });
    case 'ollama':
      return JSON.stringify({ error: message, code });
  }
}
