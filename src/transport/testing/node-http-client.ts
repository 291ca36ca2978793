import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import type { Handler } from './server.ts';

export const WHOLE = { model: 'any-model', messages: [{ role: 'user', content: 'hi' }] };
export const STREAMED = { ...WHOLE, stream: true };

/** Sends a chat completion over node:http; its errors are nobody's trouble. */
export function post(url: string, options: RequestOptions = {}, ask: object = WHOLE): ClientRequest {
  const call = request(`${url}/v1/chat/completions`, { method: 'POST', ...options });
  call.on('error', () => undefined);
  return call.end(JSON.stringify(ask));
}

export function closed(what: ClientRequest | IncomingMessage): Promise<unknown> {
  return new Promise((resolve) => what.once('close', resolve));
}

export async function responseTo(call: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  return response;
}

/** Sends what it is given, then waits. */
export function hanging(...events: readonly string[]): Handler {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(events.join(''));
  };
}
