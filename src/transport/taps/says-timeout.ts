const TIMEOUT_CODES: ReadonlySet<string> = new Set(['ETIMEDOUT', 'ESOCKETTIMEDOUT', 'ERR_SOCKET_CONNECTION_TIMEOUT']);
const DEEPEST_CAUSE = 3;

/** Whether an error says that somebody ran out of patience: by its name (`AbortSignal.timeout`), its code, its words (axios), or its cause. */
export function saysTimeout(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > DEEPEST_CAUSE) return false;
  const code = 'code' in error ? String(error.code) : '';
  return error.name === 'TimeoutError' || TIMEOUT_CODES.has(code) || /\btime(?:d[ -]?)?[ -]?out\b/i.test(error.message) || saysTimeout(error.cause, depth + 1);
}
