import { goDuration } from '../limits/rate-headers.ts';
import type { Problem } from './problem.ts';

interface OpenAIError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** `{error: {message, type, param, code}}`, as in OpenAI's "Error codes". */
export function openaiErrorBody(problem: Problem): { readonly error: OpenAIError } {
  return { error: describe(problem) };
}

function describe(problem: Problem): OpenAIError {
  const invalid = (message: string, code: string | null, param: string | null = null): OpenAIError => ({
    message,
    type: 'invalid_request_error',
    param,
    code,
  });
  const server = (message: string): OpenAIError => ({ message, type: 'server_error', param: null, code: null });
  switch (problem.kind) {
    case 'bad_json':
      return invalid('The request body could not be read as JSON.', null);
    case 'unauthorized':
      return invalid('Incorrect API key provided.', 'invalid_api_key');
    case 'content_filter':
      return invalid('The request was refused by the content filter.', 'content_filter', 'prompt');
    case 'body_too_large':
      return invalid('The request body is too large.', 'request_too_large');
    case 'unknown_path':
      return invalid(`Invalid URL (${problem.path})`, null);
    case 'method_not_allowed':
      return invalid(`Not allowed to ${problem.method} on this URL.`, 'method_not_supported');
    case 'unknown_model':
      return invalid(`The model \`${problem.model}\` does not exist or you do not have access to it.`, 'model_not_found');
    case 'missing':
      return invalid(`Missing required parameter: '${problem.param}'.`, 'missing_required_parameter', problem.param);
    case 'invalid':
      return invalid(problem.message ?? `Invalid value for '${problem.param}'.`, 'invalid_value', problem.param);
    case 'server_error':
      return server('The server had an error while processing the request.');
    case 'unavailable':
    case 'overloaded':
      return server('The service is overloaded at the moment; please try again later.');
    case 'rate_limited':
      return rateLimited(problem);
  }
}

const LIMIT_NAMES = {
  rps: 'requests per second (RPS)',
  rpm: 'requests per min (RPM)',
  concurrency: 'concurrent requests',
  tpm: 'tokens per min (TPM)',
  itpm: 'input tokens per min (TPM)',
  otpm: 'output tokens per min (TPM)',
} as const;

function rateLimited(problem: Extract<Problem, { kind: 'rate_limited' }>): OpenAIError {
  const { model, dimension, limit, remaining, requested, waitMs } = problem;
  const type = dimension.endsWith('tpm') ? 'tokens' : 'requests';
  const name = LIMIT_NAMES[dimension];
  const message = Number.isFinite(waitMs)
    ? `Rate limit reached for ${model} on ${name}: Limit ${limit}, Used ${limit - remaining}, Requested ${requested}. Please try again in ${goDuration(waitMs)}.`
    : `Request too large for ${model} on ${name}: Limit ${limit}, Requested ${requested}. The input or output tokens must be reduced.`;
  return { message, type, param: null, code: 'rate_limit_exceeded' };
}
