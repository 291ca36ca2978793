import { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline as streamPipeline } from 'node:stream/promises';
import type * as UndiciModule from 'undici';
import type { ClientProgram } from './contract.ts';
import { PROMPTS } from './prompts.ts';
import { failure, seenHeaders } from './seen.ts';

/** undici from npm, by all its ways to send. */
export const undici: ClientProgram = async ({ load, url, tlsUrl, ca, proxyUrl }) => {
  const { Agent, Client, fetch, interceptors, Pool, pipeline, ProxyAgent, request, RetryAgent, stream } = await load<typeof UndiciModule>('undici');
  const path = '/v1/chat/completions';
  const address = url + path;
  const headers = { 'content-type': 'application/json' };
  const body = (model: string, content: string = PROMPTS.whole, rest: object = {}): string => JSON.stringify({ model, messages: [{ role: 'user', content }], ...rest });
  const post = (model: string, content?: string, rest?: object) => ({ method: 'POST' as const, headers, body: body(model, content, rest) });
  const read = async ({ statusCode, headers: got, body: answer }: UndiciModule.Dispatcher.ResponseData): Promise<unknown> => ({ statusCode, headers: seenHeaders(got), text: await answer.text() });
  const pool = new Pool(url, { connections: 2 });
  const client = new Client(url);
  const agent = new Agent({ connections: 1 });
  const secure = new Agent({ connect: { ca } });
  const retrying = new RetryAgent(new Agent(), { minTimeout: 1, timeoutFactor: 1, maxRetries: 3, retryAfter: false, methods: ['POST'], statusCodes: [429] });
  const proxied = new ProxyAgent(proxyUrl);
  const tunnelled = new ProxyAgent({ uri: proxyUrl, proxyTunnel: true });
  const composed = new Agent().compose(interceptors.redirect({ maxRedirections: 1 }));
  return {
    'undici-request': async () => read(await request(address, post('undici-request'))),
    'undici-request-stream': async () => read(await request(address, post('undici-request-stream', PROMPTS.whole, { stream: true }))),
    'undici-request-generator': async () => {
      async function* pieces(): AsyncGenerator<Buffer> {
        for (const piece of body('undici-request-generator').match(/.{1,10}/gs) ?? []) yield Buffer.from(piece);
      }
      return read(await request(address, { method: 'POST', headers, body: Readable.from(pieces()) }));
    },
    'undici-request-bytes': async () => read(await request(address, { method: 'POST', headers, body: Buffer.from(body('undici-request-bytes')) })),
    'undici-fetch': async () => (await fetch(address, post('undici-fetch'))).text(),
    'undici-fetch-stream': async () => (await fetch(address, post('undici-fetch-stream', PROMPTS.whole, { stream: true }))).text(),
    'undici-stream': async () => {
      let got = '';
      await stream(address, { ...post('undici-stream', PROMPTS.whole, { stream: true }), opaque: null }, () => new Writable({ write: (chunk, _encoding, done) => ((got += String(chunk)), done()) }));
      return got;
    },
    'undici-pipeline': async () => {
      const duplex = pipeline(address, { method: 'POST', headers }, ({ body: answer }) => answer);
      duplex.end(body('undici-pipeline'));
      return text(duplex);
    },
    'undici-pool': async () => read(await pool.request({ path, ...post('undici-pool') })),
    'undici-pool-many': async () => Promise.all(Array.from({ length: 20 }, async (_, index) => read(await pool.request({ path, ...post('undici-pool-many', `${PROMPTS.whole}${'!'.repeat(index)}`) })))),
    'undici-client': async () => read(await client.request({ path, ...post('undici-client') })),
    'undici-agent': async () => read(await request(address, { ...post('undici-agent'), dispatcher: agent })),
    'undici-tls': async () => read(await request(tlsUrl + path, { ...post('undici-tls', PROMPTS.whole, { stream: true }), dispatcher: secure })),
    'undici-proxy': async () => (await request(address, { ...post('undici-proxy', PROMPTS.whole, { stream: true }), dispatcher: proxied })).body.text(),
    'undici-tunnel': async () => {
      const { body: answer } = await request(address, { ...post('undici-tunnel', PROMPTS.whole, { stream: true }), dispatcher: tunnelled });
      const got = await answer.text();
      await tunnelled.close();
      return got;
    },
    'undici-composed': async () => read(await request(address, { ...post('undici-composed'), dispatcher: composed })),
    'undici-retry-agent': async () => read(await request(address, { ...post('undici-retry-agent', PROMPTS.refusedTwice), dispatcher: retrying })),
    'undici-dispatch': () =>
      new Promise((resolve, reject) => {
        const chunks: Buffer[] = [];
        agent.dispatch(
          { origin: url, path, ...post('undici-dispatch') },
          {
            onRequestStart: () => {},
            onResponseStart: () => {},
            onResponseData: (_controller, chunk) => void chunks.push(chunk),
            onResponseEnd: () => resolve(Buffer.concat(chunks).toString()),
            onResponseError: (_controller, error) => reject(error),
          },
        );
      }),
    'undici-failing': async () => read(await request(address, post('undici-failing', PROMPTS.broken))),
    'undici-rubbish': async () => read(await request(address, post('undici-rubbish', PROMPTS.rubbish))),
    'undici-hung-up': () => failure(() => request(address, post('undici-hung-up', PROMPTS.hangUp))),
    'undici-cut': async () => {
      const { body: answer } = await request(address, post('undici-cut', PROMPTS.cut, { stream: true }));
      return failure(() => answer.text());
    },
    'undici-destroy': async () => {
      const { body: answer } = await request(address, post('undici-destroy', PROMPTS.slow, { stream: true }));
      for await (const _ of answer) break;
      return answer.destroyed;
    },
    'undici-abort': async () => {
      const abort = new AbortController();
      const { body: answer } = await request(address, { ...post('undici-abort', PROMPTS.slow, { stream: true }), signal: abort.signal });
      answer.once('data', () => abort.abort());
      return failure(() => streamPipeline(answer, new Writable({ write: (_chunk, _encoding, done) => done() })));
    },
    'undici-dump': async () => {
      const { body: answer, statusCode } = await request(address, post('undici-dump'));
      await answer.dump();
      return statusCode;
    },
  };
};
