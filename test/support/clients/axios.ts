import { once } from 'node:events';
import { Agent } from 'node:https';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type * as AxiosModule from 'axios';
import type { ClientProgram } from './contract.ts';
import { PROMPTS } from './prompts.ts';
import { failure, seenHeaders } from './seen.ts';

/** axios, by both its adapters. */
export const axios: ClientProgram = async ({ load, url, tlsUrl, ca, goneUrl }) => {
  const { default: axios } = await load<typeof AxiosModule>('axios');
  const path = '/v1/chat/completions';
  const overHttp = axios.create({ baseURL: url, adapter: 'http' });
  const overFetch = axios.create({ baseURL: url, adapter: 'fetch' });
  const body = (model: string, content: string = PROMPTS.whole, rest: object = {}): object => ({ model, messages: [{ role: 'user', content }], ...rest });
  const streamed = { stream: true, stream_options: { include_usage: true } };
  return {
    'axios-http': async () => {
      const { status, headers, data } = await overHttp.post<unknown>(path, body('axios-http'));
      return { status, headers: seenHeaders(headers), data };
    },
    'axios-http-stream': async () => text((await overHttp.post<Readable>(path, body('axios-http-stream', PROMPTS.whole, streamed), { responseType: 'stream' })).data),
    'axios-http-stream-without-usage': async () => text((await overHttp.post<Readable>(path, body('axios-http-stream-without-usage', PROMPTS.whole, { stream: true }), { responseType: 'stream' })).data),
    'axios-https': async () => (await overHttp.post<unknown>(tlsUrl + path, body('axios-https'), { httpsAgent: new Agent({ ca }) })).data,
    'axios-https-untrusted': () => failure(() => overHttp.post(tlsUrl + path, body('axios-https-untrusted'))),
    'axios-http-many': () => Promise.all(Array.from({ length: 20 }, async (_, index) => (await overHttp.post<unknown>(path, body('axios-http-many', `${PROMPTS.whole}${'!'.repeat(index)}`))).data)),
    'axios-http-throttled': () => failure(() => overHttp.post(path, body('axios-http-throttled', PROMPTS.refusedTwice))),
    'axios-http-failing': () => failure(() => overHttp.post(path, body('axios-http-failing', PROMPTS.broken))),
    'axios-http-rubbish': async () => (await overHttp.post<unknown>(path, body('axios-http-rubbish', PROMPTS.rubbish))).data,
    'axios-http-hung-up': () => failure(() => overHttp.post(path, body('axios-http-hung-up', PROMPTS.hangUp))),
    'axios-http-gone': () => failure(() => overHttp.post(goneUrl + path, body('axios-http-gone'))),
    'axios-http-cut': async () => failure(async () => text((await overHttp.post<Readable>(path, body('axios-http-cut', PROMPTS.cut, streamed), { responseType: 'stream' })).data)),
    'axios-http-break': async () => {
      const { data } = await overHttp.post<Readable>(path, body('axios-http-break', PROMPTS.slow, streamed), { responseType: 'stream' });
      const closed = once(data, 'close');
      for await (const _ of data) break;
      await closed;
      return data.destroyed;
    },
    'axios-fetch': async () => (await overFetch.post<unknown>(path, body('axios-fetch'))).data,
    'axios-fetch-stream': async () => new Response((await overFetch.post<ReadableStream>(path, body('axios-fetch-stream', PROMPTS.whole, { stream: true }), { responseType: 'stream' })).data).text(),
    'axios-fetch-failing': () => failure(() => overFetch.post(path, body('axios-fetch-failing', PROMPTS.broken))),
  };
};
