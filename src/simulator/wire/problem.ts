/** Whose error bodies and headers are spoken. */
export type Dialect = 'openai' | 'azure' | 'anthropic';

/** Why a request gets no answer, before it is put into a provider's words. */
export type Problem =
  | { readonly kind: 'bad_json' | 'unauthorized' | 'content_filter' | 'server_error' | 'unavailable' | 'overloaded' | 'body_too_large' }
  | { readonly kind: 'unknown_path'; readonly path: string }
  | { readonly kind: 'method_not_allowed'; readonly method: string }
  | { readonly kind: 'unknown_model'; readonly model: string }
  | { readonly kind: 'missing' | 'invalid'; readonly param: string; readonly message?: string }
  | {
      readonly kind: 'rate_limited';
      readonly model: string;
      readonly dimension: 'rps' | 'rpm' | 'tpm' | 'itpm' | 'otpm' | 'concurrency';
      readonly limit: number;
      readonly remaining: number;
      readonly requested: number;
      /** `Infinity` where the request never fits. */
      readonly waitMs: number;
    };

export function isProblem(value: object): value is Problem {
  return 'kind' in value;
}

const STATUS: { readonly [K in Problem['kind']]: number } = {
  bad_json: 400,
  unauthorized: 401,
  content_filter: 400,
  server_error: 500,
  unavailable: 503,
  overloaded: 529,
  body_too_large: 413,
  unknown_path: 404,
  method_not_allowed: 405,
  unknown_model: 404,
  missing: 400,
  invalid: 400,
  rate_limited: 429,
};

export function problemStatus(problem: Problem, dialect: Dialect): number {
  // 529 is Anthropic's own; others say 503 when they are overloaded.
  return problem.kind === 'overloaded' && dialect !== 'anthropic' ? 503 : STATUS[problem.kind];
}
