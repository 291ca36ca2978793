import { describeError } from '../core/index.ts';

/** The code of a connection's failure, e.g. `ECONNRESET`; empty where it has none. */
export function failureCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** What a failure says of itself. Where every address of a host failed, Node's error has no message but those of its parts. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof AggregateError) || error.message !== '') return describeError(error);
  const parts = [...new Set(error.errors.map(describeError))].join('; ');
  return parts === '' ? failureCode(error) : parts;
}

/**
 * A failure that comes back every time: a certificate that is not trusted (Node's X.509 error codes), TLS with a server that speaks none,
 * a header that cannot be sent.
 */
export function isPermanent(code: string): boolean {
  return /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_TLS_|ERR_SSL_|UND_ERR_INVALID_ARG)/.test(code);
}

const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_DESTROYED', 'UND_ERR_CLOSED']);

/** Whether a request that failed so was never sent: there was no connection to send it on. */
export function neverLeaves(code: string): boolean {
  return NOT_CONNECTED.has(code) || isPermanent(code);
}
