import { openaiErrorBody } from './openai-errors.ts';
import type { Problem } from './problem.ts';

const SAFE = { filtered: false, severity: 'safe' } as const;

/** Annotations of a filter that found nothing, in Azure's categories. */
export const NOTHING_FILTERED = { hate: SAFE, self_harm: SAFE, sexual: SAFE, violence: SAFE } as const;

/** `{error: {code, message}}`; a refused parameter keeps OpenAI's shape (Microsoft Learn, Azure OpenAI REST reference). */
export function azureErrorBody(problem: Problem): { readonly error: object } {
  switch (problem.kind) {
    case 'unauthorized':
      return { error: { code: '401', message: 'Access denied due to invalid subscription key or wrong API endpoint.' } };
    case 'unknown_path':
    case 'method_not_allowed':
      return { error: { code: '404', message: 'Resource not found' } };
    case 'unknown_model':
      return { error: { code: 'DeploymentNotFound', message: 'The API deployment for this resource does not exist.' } };
    case 'server_error':
      return { error: { code: 'InternalServerError', message: 'The server had an error while processing the request.' } };
    case 'unavailable':
    case 'overloaded':
      return { error: { code: 'ServiceUnavailable', message: 'The service is temporarily unable to process the request.' } };
    case 'rate_limited': {
      const what = problem.dimension.endsWith('tpm') ? 'token' : 'call';
      const seconds = Number.isFinite(problem.waitMs) ? Math.ceil(problem.waitMs / 1000) : 86_400;
      return { error: { code: '429', message: `Requests have exceeded the ${what} rate limit of this deployment. Please retry after ${seconds} seconds.` } };
    }
    case 'content_filter':
      return { error: contentFilterError() };
    case 'bad_json':
    case 'body_too_large':
    case 'missing':
    case 'invalid':
      return openaiErrorBody(problem);
  }
}

/** Azure's answer to a prompt that its filter stops (Microsoft Learn, "Content filtering"). */
function contentFilterError(): object {
  return {
    message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    type: null,
    param: 'prompt',
    code: 'content_filter',
    status: 400,
    innererror: {
      code: 'ResponsibleAIPolicyViolation',
      content_filter_result: { ...NOTHING_FILTERED, violence: { filtered: true, severity: 'medium' }, jailbreak: { filtered: false, detected: false } },
    },
  };
}
