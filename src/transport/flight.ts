import type { Clock } from '../core/index.ts';
import type { AnswerReader } from './answer-reader.ts';
import { decoded, isDecodingError, UnreadableBodyError } from './decode-body.ts';
import { failureCode, neverLeaves } from './failure.ts';
import type { Breakage } from './fate.ts';
import { request, type Dispatcher } from './own-undici.ts';
import { inTheBooks } from './taps/metered-mark.ts';

/** What goes out. */
export interface Departure {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** How an exchange broke. */
export interface BrokenOff {
  readonly breakage: Breakage | undefined;
  /** What broke it, if anything did. */
  readonly failure: unknown;
  /** It ended before a byte was sent. */
  readonly neverLeft: boolean;
}

/** The HTTP exchange of one try: sends, and hands what comes back to its reader, to the end. Never rejects. */
export async function fly(departure: Departure, reader: AnswerReader, { dispatcher, clock }: { readonly dispatcher: Dispatcher; readonly clock: Clock }): Promise<BrokenOff> {
  const { url, method, headers, body, timeoutMs, signal } = departure;
  if (signal.aborted) return { breakage: 'aborted', failure: undefined, neverLeft: true };
  const abort = new AbortController();
  let breakage: Breakage | undefined;
  const end = (why: Breakage, reason: unknown): void => {
    breakage ??= why;
    abort.abort(reason);
  };
  const onAbort = (): void => end('aborted', signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const cancelTimer = clock.after(timeoutMs, () => end('timeout', new Error(`no whole answer within ${timeoutMs} ms`)));
  try {
    const response = await request(url, { method, headers, body, signal: abort.signal, dispatcher, headersTimeout: 0, bodyTimeout: 0, ...inTheBooks });
    reader.head(response.statusCode, flatHeaders(response.headers));
    for await (const chunk of decodedBody(response.body, reader.headers['content-encoding'])) if (!reader.push(chunk)) break;
    return { breakage, failure: undefined, neverLeft: false };
  } catch (failure) {
    const neverLeft = reader.httpStatus === null && neverLeaves(failureCode(failure));
    return { breakage: breakage ?? (failure instanceof UnreadableBodyError || isDecodingError(failure) ? 'unreadable' : 'connection'), failure, neverLeft };
  } finally {
    cancelTimer();
    signal.removeEventListener('abort', onAbort);
  }
}

/** Response headers with names in lower case, several of one name joined. */
export function flatHeaders(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return flat;
}

function decodedBody(body: Dispatcher.ResponseData['body'], encoding: string | undefined): AsyncIterable<Uint8Array> {
  try {
    return decoded(body, encoding);
  } catch (error) {
    body.on('error', () => undefined).destroy();
    throw error;
  }
}
