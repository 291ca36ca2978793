import { AsyncLocalStorage } from 'node:async_hooks';
import { UsageError } from '../core/index.ts';
import type { Answer, OutgoingCall } from './outgoing-call.ts';
import type { Transport } from './transport.ts';

type FetchLike = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** What a client's request needs beside what it carries itself. */
export type CallDetails = Omit<OutgoingCall, 'url' | 'method' | 'headers' | 'body' | 'signal'> & {
  /** Members laid over the JSON body, for what the client has no name for. */
  readonly bodyExtras?: Readonly<Record<string, unknown>>;
};

const answers = new AsyncLocalStorage<Answer[]>();

/** What a client library's call came to: the answers it got, and what the library threw, if it did. */
export interface Collected {
  readonly answers: readonly Answer[];
  readonly failure: unknown;
}

/** Runs `fn` and collects the answers that `transportFetch` got inside it, in order. Never rejects. */
export async function collectAnswers(fn: () => Promise<unknown>): Promise<Collected> {
  const collected: Answer[] = [];
  try {
    await answers.run(collected, fn);
    return { answers: collected, failure: undefined };
  } catch (failure) {
    return { answers: collected, failure };
  }
}

/**
 * A `fetch` for client libraries whose requests shall go through transport. Their own retries must be off.
 * Throws what transport throws; a content filter's refusal comes back as the response it was.
 */
export function transportFetch(transport: Pick<Transport, 'send'>, details: () => CallDetails): FetchLike {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const { bodyExtras, ...call } = details();
    const body = withExtras(bodyText(init?.body), bodyExtras);
    const answer = await transport.send({
      ...call,
      url,
      method: init?.method ?? 'POST',
      headers: Object.fromEntries(new Headers(init?.headers).entries()),
      body,
      ...(init?.signal === undefined || init.signal === null ? {} : { signal: init.signal }),
    });
    answers.getStore()?.push(answer);
    return new Response(answer.body, { status: answer.httpStatus, headers: plainHeaders(answer.headers) });
  };
}

/** The body is decoded by now, so the headers that described its encoding no longer hold. */
function plainHeaders(headers: Readonly<Record<string, string>>): Headers {
  const kept = new Headers(headers);
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) kept.delete(name);
  return kept;
}

function bodyText(body: unknown): string {
  if (typeof body === 'string') return body;
  throw new UsageError({ message: 'a model call needs a JSON text body' });
}

function withExtras(body: string, extras: Readonly<Record<string, unknown>> | undefined): string {
  if (extras === undefined || Object.keys(extras).length === 0) return body;
  return JSON.stringify({ ...(JSON.parse(body) as object), ...extras });
}
