import { fileURLToPath } from 'node:url';
import { AssayError, CancelledError, isObject, type ErrorCode } from '../../core/index.ts';
import { GoalError } from '../../engine/index.ts';
import { CallError } from '../../transport/index.ts';

/**
 * What a trial threw, as the engine takes it: a model call that failed as the target's error, whoever made it; other errors of Assay's own as
 * they are, however deep a library wrapped them; anything else as the experiment's own, with the line it came from.
 */
export function trialFailure(error: unknown, experimentFile: string | undefined): Error {
  const chain = [...causes(error)];
  const own = chain.find((each) => AssayError.isInstance(each));
  if (CallError.isInstance(own) && own.code !== 'cancelled') {
    const { code, message, hint } = own;
    return new GoalError({ source: 'target', code, message, ...(hint === undefined ? {} : { hint }), cause: own });
  }
  if (own !== undefined) return own;
  const [outermost] = chain;
  // The caller's own abort; where the run was aborted the engine knows.
  if (outermost?.name === 'AbortError') return new CancelledError({ message: describe(outermost, experimentFile), cause: outermost });
  const call = chain.find((each) => callCode(each) !== undefined);
  if (call !== undefined && outermost !== undefined) {
    return new GoalError({ source: 'target', code: callCode(call)!, message: describe(outermost, undefined), cause: outermost });
  }
  const message = outermost === undefined ? `it threw what is no Error: ${String(error)}` : describe(outermost, experimentFile);
  return new GoalError({ source: 'framework', code: 'experiment_failed', message, cause: error });
}

/** Depth at which a circle of causes would be noticed. */
const MOST_CAUSES = 16;

/** An error and what is said to have caused it, outermost first. Libraries that retry keep the tries in `errors`. */
function* causes(error: unknown): Generator<Error> {
  const queue = [error];
  for (let seen = 0; seen < MOST_CAUSES && queue.length > 0; seen++) {
    const each = queue.shift();
    if (!(each instanceof Error)) continue;
    yield each;
    queue.push(each.cause);
    if ('errors' in each && Array.isArray(each.errors)) queue.push(...(each.errors as unknown[]).slice(-2));
  }
}

/** Node's and undici's codes of connections that broke or never came to be. */
const CONNECTION = /^(?:ECONN\w+|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_\w+)$/;
const TIMEOUT = /^(?:ETIMEDOUT|ESOCKETTIMEDOUT|UND_ERR_(?:HEADERS|BODY|CONNECT)_TIMEOUT)$/;

/** What became of the call that an error of a client library tells of; `undefined` where it tells of none. */
function callCode(error: Error): Extract<ErrorCode, 'rate_limited' | 'call_failed' | 'timeout' | 'network'> | undefined {
  const status = httpStatus(error);
  if (status === 429) return 'rate_limited';
  if (status !== undefined) return 'call_failed';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const kind = error.constructor.name;
  if (TIMEOUT.test(code) || kind === 'APIConnectionTimeoutError') return 'timeout';
  if (CONNECTION.test(code) || kind === 'APIConnectionError') return 'network';
  return undefined;
}

/** `status`: openai, Anthropic, Google; `statusCode`: AI SDK; `status_code`: ollama; `response.status`: axios. */
function httpStatus(error: Error): number | undefined {
  const members = error as Error & { readonly status?: unknown; readonly statusCode?: unknown; readonly status_code?: unknown; readonly response?: unknown };
  const response = isObject(members.response) ? members.response['status'] : undefined;
  return [members.status, members.statusCode, members.status_code, response].find((status) => typeof status === 'number' && status >= 400 && status <= 599) as number | undefined;
}

function describe(error: Error, experimentFile: string | undefined): string {
  const name = error.name === 'Error' || error.message.startsWith(error.name) ? '' : `${error.name}: `;
  const line = experimentFile === undefined ? undefined : lineIn(error, experimentFile);
  return `${name}${error.message}${line === undefined ? '' : ` (${experimentFile}:${line})`}`;
}

/** The innermost line of a file that an error's stack names. */
export function lineIn(error: Error, file: string): number | undefined {
  for (const match of (error.stack ?? '').matchAll(/(file:\/\/[^\s()]+?|\/[^\s()]+?|[A-Za-z]:\\[^\s()]+?):(\d+)(?::\d+)?(?=\)|\s|$)/g)) {
    if (pathOf(match[1]!) === file) return Number(match[2]);
  }
  return undefined;
}

function pathOf(place: string): string {
  if (!place.startsWith('file:')) return place;
  try {
    return fileURLToPath(place.replace(/\?.*$/, ''));
  } catch {
    return place;
  }
}
