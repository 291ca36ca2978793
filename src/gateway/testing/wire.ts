import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: NodeJS.Dict<string>;
  readonly bytes: Buffer;
  readonly text: string;
  readonly json: Record<string, unknown>;
  /** The connection broke before the answer's end. */
  readonly cut: boolean;
}

export interface WireRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer | object;
}

/** Sends a request just as told, and reads the answer as far as it comes. */
export function call(url: string, { method = 'POST', headers = {}, body }: WireRequest = {}): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const sent = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const request = httpRequest(url, { method, headers: { ...(sent === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => undefined);
      response.on('close', () => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          trailers: response.trailers,
          bytes,
          text,
          get json() {
            return JSON.parse(text) as Record<string, unknown>;
          },
          cut: !response.complete,
        });
      });
    });
    request.on('error', reject);
    request.end(sent);
  });
}

/** A chat completion of one message. */
export function chat(part: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { model: 'any-model', messages: [{ role: 'user', content: 'hello' }], ...part };
}

/** A bare connection to a server, for what no client would send. */
export async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** All that comes on a connection until it is closed, by whomever. */
export async function readToEnd(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  if (!socket.closed) {
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
    });
  }
  return text;
}

/** Waits until something is so. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}
