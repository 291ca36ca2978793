import type { Problem } from './problem.ts';

/** `{type: "error", error: {type, message}, request_id}`, as in Anthropic's "Errors". */
export function anthropicErrorBody(problem: Problem, requestId: string): object {
  const [type, message] = describe(problem);
  return { type: 'error', error: { type, message }, request_id: requestId };
}

function describe(problem: Problem): readonly [type: string, message: string] {
  switch (problem.kind) {
    case 'bad_json':
      return ['invalid_request_error', 'The request body is not valid JSON.'];
    case 'unauthorized':
      return ['authentication_error', 'invalid x-api-key'];
    case 'content_filter':
      return ['invalid_request_error', 'Output blocked by content filtering policy'];
    case 'body_too_large':
      return ['request_too_large', 'Request exceeds the maximum size'];
    case 'unknown_path':
      return ['not_found_error', 'Not found'];
    case 'method_not_allowed':
      return ['invalid_request_error', 'Method Not Allowed'];
    case 'unknown_model':
      return ['not_found_error', `model: ${problem.model}`];
    case 'missing':
      return ['invalid_request_error', `${problem.param}: Field required`];
    case 'invalid':
      return ['invalid_request_error', `${problem.param}: ${problem.message ?? 'Input is not valid'}`];
    case 'server_error':
      return ['api_error', 'Internal server error'];
    case 'unavailable':
      return ['api_error', 'Service unavailable'];
    case 'overloaded':
      return ['overloaded_error', 'Overloaded'];
    case 'rate_limited': {
      const { dimension, limit } = problem;
      return ['rate_limit_error', `This request would exceed the rate limit of ${limit} ${LIMIT_NAMES[dimension]}.`];
    }
  }
}

const LIMIT_NAMES = {
  rps: 'requests per second',
  rpm: 'requests per minute',
  concurrency: 'concurrent connections',
  tpm: 'tokens per minute',
  itpm: 'input tokens per minute',
  otpm: 'output tokens per minute',
} as const;
