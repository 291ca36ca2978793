import { AsyncLocalStorage } from 'node:async_hooks';
import type { Answer, OutgoingCall } from './outgoing-call.ts';
import type { Transport } from './transport.ts';

type FetchLike = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** What a client's request needs beside what it carries itself. */
export type CallDetails = Omit<OutgoingCall, 'url' | 'method' | 'headers' | 'body' | 'signal'> & {
  /** Members laid over the JSON body, for what the client has no name for. */
  readonly bodyExtras?: Readonly<Record<string, unknown>>;
};

/** What a client library's call came to. */
export interface Collected {
  /** The answers it got, in order. */
  readonly answers: readonly Answer[];
  /** What transport threw last, else what the library threw: libraries wrap errors, and hide what they are. */
  readonly failure: unknown;
}

interface Collecting {
  readonly answers: Answer[];
  failure: unknown;
}

const collecting = new AsyncLocalStorage<Collecting>();

/** Runs `fn` and collects what `transportFetch` got inside it. Never rejects. */
export async function collectAnswers(fn: () => Promise<unknown>): Promise<Collected> {
  const collected: Collecting = { answers: [], failure: undefined };
  try {
    await collecting.run(collected, fn);
    return collected;
  } catch (failure) {
    return { answers: collected.answers, failure: collected.failure ?? failure };
  }
}

/**
 * A `fetch` for client libraries whose requests shall go through transport. Their own retries must be off. A streamed answer is
 * handed over once it has come to its end.
 *
 * Throws what transport throws; a content filter's refusal comes back as the response it was.
 */
export function transportFetch(transport: Pick<Transport, 'send'>, details: () => CallDetails): FetchLike {
  return async (input, init) => {
    const { bodyExtras, ...call } = details();
    const asked = await readRequest(input, init);
    try {
      const answer = await transport.send({ ...call, ...asked, body: withExtras(asked.body, bodyExtras) });
      collecting.getStore()?.answers.push(answer);
      return new Response(answer.body, { status: answer.httpStatus, headers: plainHeaders(answer.headers) });
    } catch (error) {
      const collected = collecting.getStore();
      if (collected !== undefined) collected.failure = error;
      throw error;
    }
  };
}

/** The request in any of the forms that fetch takes. */
async function readRequest(input: string | URL | Request, init: RequestInit | undefined): Promise<Pick<OutgoingCall, 'url' | 'method' | 'headers' | 'body' | 'signal'>> {
  if (!(input instanceof Request) && typeof init?.body === 'string') {
    const { signal } = init;
    return {
      url: String(input),
      method: init.method ?? 'GET',
      headers: Object.fromEntries(new Headers(init.headers)),
      body: init.body,
      ...(signal === undefined || signal === null ? {} : { signal }),
    };
  }
  const request = new Request(input, init);
  return { url: request.url, method: request.method, headers: Object.fromEntries(request.headers), body: await request.text(), signal: request.signal };
}

/** The body is decoded by now, so the headers that described its encoding no longer hold. */
function plainHeaders(headers: Readonly<Record<string, string>>): Headers {
  const kept = new Headers(headers);
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) kept.delete(name);
  return kept;
}

function withExtras(body: string, extras: Readonly<Record<string, unknown>> | undefined): string {
  if (extras === undefined || Object.keys(extras).length === 0) return body;
  return JSON.stringify({ ...(JSON.parse(body) as object), ...extras });
}
