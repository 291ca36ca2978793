import { REPLAYED, totals, type CallFate, type CallRecord } from '../../core/index.ts';
import type { ServedRequest } from '../../simulator/index.ts';

/** One line of both books. `null`: that side cannot know. */
export interface BookLine {
  readonly what: string;
  readonly provider: number | null;
  readonly ledger: number | null;
}

/** The ledger and the provider's own count, side by side. */
export interface Books {
  readonly lines: readonly BookLine[];
  /** Rows and requests that have no counterpart or disagree; empty when the books agree. */
  readonly differences: readonly string[];
  readonly balanced: boolean;
}

/** Statuses a call can have whose answer the provider made and the client could not use. */
const UNREADABLE: readonly CallFate[] = ['cut', 'malformed', 'timeout', 'aborted', 'lost', 'network_error'];

/**
 * Compares every ledger row with what the provider says it served, call by call.
 *
 * @param calls the run's ledger
 * @param served the provider's log; its `call` is the ledger's id
 */
export function reconcile(calls: readonly CallRecord[], served: readonly ServedRequest[]): Books {
  const requests = new Map<string, ServedRequest>();
  const differences: string[] = [];
  // The provider writes a second line for a request whose client left half way; the last one stands.
  const log = new Map(served.map((request) => [request.request_id, request])).values().toArray();
  for (const request of log) {
    if (request.call === null) differences.push(`the provider served ${request.request_id}, which carries no ledger id`);
    else if (requests.has(request.call)) differences.push(`the provider served ${request.request_id}, a second request under call ${request.call}`);
    else requests.set(request.call, request);
  }
  const reported = { provider: 0, ledger: 0 };
  const estimated = { provider: 0, ledger: 0 };
  let unknown = 0;
  let replayed = 0;
  const statuses = new Map<string, number>();
  const lost = new Set<ServedRequest>();
  for (const { intent, settlement } of calls) {
    // Nothing left: the provider cannot know of it.
    if (settlement?.status === REPLAYED) {
      replayed++;
      continue;
    }
    const status = settlement?.status ?? 'in flight';
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const request = requests.get(intent.id);
    requests.delete(intent.id);
    if (settlement === null) differences.push(`call ${intent.id} is still in flight`);
    else if (request !== undefined && status === 'lost') {
      lost.add(request);
      unknown += request.total_tokens;
    } else if (request === undefined) {
      // A call may be lost before it reached the provider; an answer without a request cannot be.
      if (status === 'ok' || status === 'blocked') differences.push(`call ${intent.id} is ${status} in the ledger, and the provider never served it`);
    } else {
      if ((status === 'ok' || status === 'blocked') && request.outcome !== 'ok') differences.push(`call ${intent.id} is ${status} in the ledger and ${request.outcome} at the provider`);
      if (request.outcome === 'ok' && status !== 'ok' && status !== 'blocked' && !UNREADABLE.includes(settlement.status)) differences.push(`call ${intent.id} was served and is ${status} in the ledger`);
      const sums = totals(settlement.usage);
      if (settlement.usage.source === 'reported') {
        reported.provider += request.total_tokens;
        reported.ledger += sums?.total_tokens ?? 0;
        if (sums?.total_tokens !== request.total_tokens) differences.push(`call ${intent.id}: ${String(sums?.total_tokens)} tokens in the ledger, ${request.total_tokens} at the provider`);
      } else if (settlement.usage.source === 'estimated') {
        estimated.provider += request.total_tokens;
        estimated.ledger += sums?.total_tokens ?? 0;
      } else {
        unknown += request.total_tokens;
      }
    }
  }
  for (const request of requests.values()) differences.push(`the provider served ${request.request_id}, and the ledger has no call ${String(request.call)}`);

  const count = (...wanted: readonly string[]): number => wanted.reduce((sum, status) => sum + (statuses.get(status) ?? 0), 0);
  const kept = log.filter((request) => !lost.has(request));
  const seen = (...wanted: readonly ServedRequest['outcome'][]): number => kept.filter((request) => wanted.includes(request.outcome)).length;
  return {
    lines: [
      { what: 'answered calls', provider: seen('ok'), ledger: count('ok', 'blocked') },
      { what: 'answers spoiled on the way', provider: seen('cut', 'malformed', 'aborted'), ledger: count('cut', 'malformed', 'aborted') },
      { what: 'errors (5xx)', provider: seen('error'), ledger: count('http_error') },
      { what: 'throttled (429)', provider: seen('rate_limited'), ledger: count('rate_limited') },
      { what: 'in flight at a kill', provider: lost.size, ledger: count('lost') },
      { what: 'all calls', provider: log.length, ledger: calls.length - replayed },
      ...(replayed === 0 ? [] : [{ what: 'answered from the store', provider: null, ledger: replayed }]),
      { what: 'tokens, reported', provider: reported.provider, ledger: reported.ledger },
      { what: 'tokens, answers without usage (estimated)', provider: estimated.provider, ledger: estimated.ledger },
      { what: 'tokens, answers that never arrived whole', provider: unknown, ledger: null },
    ],
    differences,
    balanced: differences.length === 0,
  };
}
