import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body, where it is JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Requests whose body came whole, in order. */
  readonly received: readonly Received[];
}

/** Called for each request, with its place among all; the last handler given answers whatever comes after it. */
export type Handler = (response: ServerResponse, request: Received, index: number) => void | Promise<void>;

/** Starts a server that answers requests by hand: the first by the first handler, and so on. */
export async function serve(...handlers: readonly [Handler, ...Handler[]]): Promise<Server> {
  const received: Received[] = [];
  return listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const entry: Received = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body, json: body.startsWith('{') ? (JSON.parse(body) as Received['json']) : {} };
      const index = received.push(entry) - 1;
      void handlers[Math.min(index, handlers.length - 1)]!(response, entry, index);
    });
  }, received);
}

/** Starts a server with a bare listener. */
export async function listen(listener: (request: IncomingMessage, response: ServerResponse) => void, received: readonly Received[] = []): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 0 }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A port of this machine on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = await listen(() => undefined);
  await server[Symbol.asyncDispose]();
  return server.port;
}

/** Answers with a status and a JSON body (or a text as it is). */
export function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Handler {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  };
}

export const USAGE = { prompt_tokens: 11, completion_tokens: 5, total_tokens: 16 };

/** A chat completion that says `text`. */
export function completion(text: string, part: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'any-model-2026',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: USAGE,
    ...part,
  };
}

/** One event of a stream. */
export function event(data: unknown): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/** The events of a streamed chat completion that says `text`, with usage at its end. */
export function streamOf(text: string): string[] {
  const chunk = (part: object): string => event({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'any-model-2026', ...part });
  return [
    chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: text }, finish_reason: null }] }),
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
    chunk({ choices: [], usage: USAGE }),
    event('[DONE]'),
  ];
}

/** Answers with these events in a stream. */
export function stream(events: readonly string[], headers: Readonly<Record<string, string>> = {}): Handler {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
    response.end(events.join(''));
  };
}
