import type { CallStatus } from '../core/index.ts';
import type { ResponseFacts } from '../protocols/index.ts';
import { hideCredentials } from './credentials.ts';
import { describeFailure } from './failure.ts';

const LONGEST_TEXT = 2_000;

/** A try that did not bring an answer, as far as its error text needs. */
export interface FailedFlight {
  readonly httpStatus: number | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly facts: ResponseFacts | undefined;
  readonly failure: unknown;
}

/**
 * What went wrong, for the ledger and the user: the provider's own words first, then what broke.
 *
 * @param sent what went out: none of its credentials is repeated, though a provider may quote them
 */
export function errorText(status: CallStatus, flight: FailedFlight, sent: { readonly url: string; readonly headers: Readonly<Record<string, string>> }): string {
  const { httpStatus, facts, failure } = flight;
  const head = httpStatus === null ? status : `HTTP ${httpStatus}`;
  const said = redirect(flight) ?? facts?.error?.message ?? facts?.blockReason ?? (failure === undefined ? unread(status, flight) : describeFailure(failure));
  return hideCredentials(said === undefined || said === '' ? `${head} (${status})` : `${head}: ${said.trim()}`, sent).slice(0, LONGEST_TEXT);
}

/** Where a redirect leads. Its query is left out: signed addresses carry keys there. */
function redirect({ httpStatus, headers }: FailedFlight): string | undefined {
  if (httpStatus === null || httpStatus < 300 || httpStatus > 399) return undefined;
  const to = headers['location'] === undefined ? null : URL.parse(headers['location'], 'http://same-host');
  if (to === null) return 'a redirect, which is not followed';
  return `a redirect to ${to.host === 'same-host' ? '' : to.origin}${to.pathname}, which is not followed`;
}

function unread(status: CallStatus, { headers }: FailedFlight): string | undefined {
  if (status === 'malformed') return `an answer that cannot be read (content-type ${headers['content-type'] ?? 'absent'})`;
  return status === 'cut' ? 'the answer ended before its end mark' : undefined;
}
