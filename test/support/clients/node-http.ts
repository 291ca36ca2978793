import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import type { ClientProgram } from './contract.ts';
import { PROMPTS } from './prompts.ts';
import { failure, seenHeaders } from './seen.ts';

/** `node:http` and `node:https` themselves. */
export const nodeHttp: ClientProgram = async ({ url, tlsUrl, ca, goneUrl }) => {
  const path = '/v1/chat/completions';
  const body = (model: string, content: string = PROMPTS.whole, rest: object = {}): string => JSON.stringify({ model, messages: [{ role: 'user', content }], ...rest });
  const streamed = { stream: true, stream_options: { include_usage: true } };
  const send = (pieces: readonly string[], options: RequestOptions & { readonly to?: string } = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { to = url, ...rest } = options;
      const request = to.startsWith('https') ? httpsRequest : httpRequest;
      const outgoing = request(to + path, { method: 'POST', headers: { 'content-type': 'application/json' }, ...rest }, resolve);
      outgoing.on('error', reject);
      for (const piece of pieces) outgoing.write(piece);
      outgoing.end();
    });
  const inPieces = (whole: string): string[] => whole.match(/.{1,10}/gs) ?? [];
  return {
    'http-json': async () => {
      const response = await send([body('http-json')]);
      return { status: response.statusCode, headers: seenHeaders(response.headers), text: await text(response) };
    },
    'http-chunked': async () => text(await send(inPieces(body('http-chunked')))),
    'http-stream': async () => text(await send([body('http-stream', PROMPTS.whole, streamed)])),
    'http-stream-without-usage': async () => text(await send([body('http-stream-without-usage', PROMPTS.whole, { stream: true })])),
    'http-set-encoding': async () => {
      const response = await send([body('http-set-encoding')]);
      response.setEncoding('utf8');
      let got = '';
      for await (const piece of response) got += piece as string;
      return got;
    },
    'http-tls': async () => text(await send([body('http-tls', PROMPTS.whole, streamed)], { to: tlsUrl, ca } as RequestOptions)),
    'http-unread': async () => (await send([body('http-unread')])).resume().statusCode,
    'http-failing': async () => {
      const response = await send([body('http-failing', PROMPTS.broken)]);
      return [response.statusCode, await text(response)];
    },
    'http-hung-up': () => failure(() => send([body('http-hung-up', PROMPTS.hangUp)])),
    'http-gone': () => failure(() => send([body('http-gone')], { to: goneUrl })),
    'http-cut': async () => {
      const response = await send([body('http-cut', PROMPTS.cut, streamed)]);
      return failure(() => text(response));
    },
    'http-destroy': async () => {
      const response = await send([body('http-destroy', PROMPTS.slow, streamed)]);
      const closed = once(response, 'close');
      for await (const _ of response) break;
      await closed;
      return response.destroyed;
    },
  };
};
