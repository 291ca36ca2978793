import { AssayError, type CallStatus } from '../core/index.ts';
import { CallError, type CallErrorOptions } from './call-error.ts';
import { failureCode, isPermanent } from './failure.ts';
import { impliedStatus } from './fate.ts';
import type { MeteredEnd } from './metered-call.ts';
import type { GivenUp } from './retry.ts';

/** The error of a call whose last try was made. */
export function callFailed(deployment: string, end: MeteredEnd, tries: number, because: Exclude<GivenUp, 'aborted'>): CallError {
  const made = tries === 1 ? 'one try' : `${tries} tries`;
  const given = because === 'deterministic' ? '' : because === 'tries' ? `, given up after ${made}` : `, given up at the deadline after ${made}`;
  const hint = hintFor(end);
  return new CallError({
    code: codeOf(end.status),
    message: `${deployment}: ${end.error ?? end.status}${given}`,
    ...(hint === undefined ? {} : { hint }),
    status: end.status,
    httpStatus: end.httpStatus,
    deployment,
    tries,
  });
}

/** The error of a call that was not sent because its deployment keeps refusing. */
export function circuitOpen(deployment: string, reason: string, tries: number): CallError {
  return new CallError({
    code: 'circuit_open',
    message: `not sent: ${deployment} keeps refusing (${reason})`,
    hint: 'check the key, the model name and the base URL, then resume with --retry-errors',
    status: 'not_sent',
    deployment,
    tries,
  });
}

/** What kept a try from being made: a pause of the provider's that is too long to wait for is the call's own failure, all else is passed on. */
export function notAdmitted(error: unknown, deployment: string, tries: number): unknown {
  if (!AssayError.isInstance(error) || error.code !== 'rate_limited' || CallError.isInstance(error)) return error;
  const { message, hint } = error;
  return new CallError({ code: 'rate_limited', message: `not sent: ${message}`, ...(hint === undefined ? {} : { hint }), status: 'not_sent', deployment, tries, cause: error });
}

/** The error of a call that no wire format of ours fits. */
export function unknownApi(deployment: string, path: string): CallError {
  return new CallError({
    code: 'call_failed',
    message: `no known model API at ${path}`,
    hint: 'check the base URL: it should end before /chat/completions, /responses, /embeddings or /messages',
    status: 'not_sent',
    deployment,
    tries: 0,
  });
}

function codeOf(status: CallStatus): CallErrorOptions['code'] {
  switch (status) {
    case 'rate_limited':
    case 'timeout':
    case 'malformed':
      return status;
    case 'network_error':
    case 'cut':
    case 'lost':
      return 'network';
    case 'ok':
    case 'blocked':
    case 'http_error':
    case 'aborted':
      return 'call_failed';
    default:
      return status satisfies never;
  }
}

function hintFor({ status, httpStatus, facts, failure }: MeteredEnd): string | undefined {
  switch (impliedStatus(httpStatus, facts?.error)) {
    case 401:
    case 403:
      return 'check the key and what it may be used for';
    case 402:
      return 'the account has no credit left: check its plan and billing';
    case 404:
      return 'check the name of the model or deployment, and the base URL';
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return 'give the address it redirects to as the base URL';
    case null:
    default:
  }
  if (isPermanent(failureCode(failure))) return 'check http or https in the base URL, and the certificate; NODE_EXTRA_CA_CERTS names a file of authorities to trust';
  switch (status) {
    case 'rate_limited':
      return 'lower the rate with --rpm, --tpm or --concurrency, or allow a longer retry.deadlineSeconds';
    case 'timeout':
      return 'allow a longer timeoutSeconds, or ask for shorter answers';
    case 'network_error':
      return 'check that the endpoint is up and that the base URL is right';
    case 'malformed':
      return 'check that the base URL is that of a model API';
    case 'ok':
    case 'blocked':
    case 'http_error':
    case 'aborted':
    case 'cut':
    case 'lost':
      return undefined;
    default:
      return status satisfies never;
  }
}
