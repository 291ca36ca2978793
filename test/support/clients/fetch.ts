import type { ClientProgram } from './contract.ts';
import { PROMPTS } from './prompts.ts';
import { failure, seenHeaders } from './seen.ts';

/** Node's own `fetch`, as programs call it that use no library. */
export const builtinFetch: ClientProgram = async ({ url, goneUrl }) => {
  const address = `${url}/v1/chat/completions`;
  const body = (model: string, content: string = PROMPTS.whole, rest: object = {}): string => JSON.stringify({ model, messages: [{ role: 'user', content }], ...rest });
  const post = (model: string, content?: string, rest?: object): RequestInit => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: body(model, content, rest) });
  const streamed = { stream: true };
  return {
    'fetch-json': async () => {
      const response = await fetch(address, post('fetch-json'));
      return { status: response.status, headers: seenHeaders(response.headers), json: await response.json() };
    },
    'fetch-stream': async () => (await fetch(address, post('fetch-stream', PROMPTS.whole, streamed))).text(),
    'fetch-request': async () => (await fetch(new Request(address, post('fetch-request')))).text(),
    'fetch-streamed-body': async () => {
      const pieces = ReadableStream.from((body('fetch-streamed-body').match(/.{1,10}/gs) ?? []).map((piece) => new TextEncoder().encode(piece)));
      return (await fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body: pieces, duplex: 'half' })).text();
    },
    'fetch-blob': async () => (await fetch(address, { method: 'POST', body: new Blob([body('fetch-blob')], { type: 'application/json' }) })).text(),
    'fetch-bytes': async () => (await fetch(address, { method: 'POST', body: new TextEncoder().encode(body('fetch-bytes')) })).text(),
    'fetch-clone': async () => {
      const response = await fetch(address, post('fetch-clone', PROMPTS.whole, streamed));
      return Promise.all([response.clone().text(), response.text()]);
    },
    'fetch-unread': async () => {
      const response = await fetch(address, post('fetch-unread'));
      await response.body?.cancel();
      return response.status;
    },
    'fetch-failing': async () => {
      const response = await fetch(address, post('fetch-failing', PROMPTS.broken));
      return [response.status, await response.text()];
    },
    'fetch-hung-up': () => failure(() => fetch(address, post('fetch-hung-up', PROMPTS.hangUp))),
    'fetch-gone': () => failure(() => fetch(`${goneUrl}/v1/chat/completions`, post('fetch-gone'))),
    'fetch-cut': () => failure(async () => (await fetch(address, post('fetch-cut', PROMPTS.cut, streamed))).text()),
    'fetch-cancel': async () => {
      const response = await fetch(address, post('fetch-cancel', PROMPTS.slow, streamed));
      const reader = response.body!.getReader();
      const { done } = await reader.read();
      await reader.cancel();
      return done;
    },
    'fetch-abort': async () => {
      const abort = new AbortController();
      const response = await fetch(address, { ...post('fetch-abort', PROMPTS.slow, streamed), signal: abort.signal });
      const reader = response.body!.getReader();
      await reader.read();
      abort.abort(new Error('enough'));
      return failure(async () => {
        for (;;) if ((await reader.read()).done) return;
      });
    },
    'fetch-timeout': async () => {
      await (await fetch(address, post('fetch-timeout'))).text();
      const response = await fetch(address, { ...post('fetch-timeout', PROMPTS.slow, streamed), signal: AbortSignal.timeout(700) });
      return failure(() => response.text());
    },
  };
};
