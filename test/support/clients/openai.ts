import type * as OpenAiModule from 'openai';
import type * as ZodHelpers from 'openai/helpers/zod';
import type * as UndiciModule from 'undici';
import { z } from 'zod';
import type { ClientProgram } from './contract.ts';
import { PROMPTS } from './prompts.ts';
import { all, brokenOff, failure, first, seenHeaders } from './seen.ts';

const user = (content: string): { readonly role: 'user'; readonly content: string }[] => [{ role: 'user', content }];
const WEATHER = {
  type: 'function',
  function: { name: 'weather', description: 'Tells the weather', parameters: { type: 'object', properties: { city: { type: 'string' } } }, parse: JSON.parse, function: () => 'sunny' },
} as const;

/** The OpenAI SDK, 7. */
export const openai: ClientProgram = async ({ load, url, tlsUrl, ca, countedUrl, goneUrl }) => {
  const { OpenAI, AzureOpenAI } = await load<typeof OpenAiModule>('openai');
  const { zodResponseFormat } = await load<typeof ZodHelpers>('openai/helpers/zod');
  const { Agent, fetch: npmFetch } = await load<typeof UndiciModule>('undici');
  const settings = { apiKey: 'none', baseURL: `${url}/v1`, maxRetries: 0 };
  const client = new OpenAI(settings);
  const retrying = new OpenAI({ ...settings, maxRetries: 2 });
  const ownFetch = new OpenAI({ ...settings, fetch: (...args: Parameters<typeof fetch>) => fetch(...args) });
  const npmFetching = new OpenAI({ ...settings, fetch: npmFetch as unknown as typeof fetch });
  const dispatching = new OpenAI({ ...settings, fetch: npmFetch as unknown as typeof fetch, fetchOptions: { dispatcher: new Agent({ connections: 1 }) } as never });
  const secure = new OpenAI({ ...settings, baseURL: `${tlsUrl}/v1`, fetch: npmFetch as unknown as typeof fetch, fetchOptions: { dispatcher: new Agent({ connect: { ca } }) } as never });
  const azure = new AzureOpenAI({ apiKey: 'none', endpoint: url, apiVersion: '2024-10-21', maxRetries: 0 });
  const embedding = new OpenAI({ ...settings, baseURL: `${countedUrl}/v1` });
  const gone = new OpenAI({ ...settings, baseURL: `${goneUrl}/v1` });

  const create = (model: string, content: string = PROMPTS.whole, by = client) => by.chat.completions.create({ model, messages: user(content) });
  const stream = (model: string, content: string = PROMPTS.whole, by = client) => by.chat.completions.create({ model, messages: user(content), stream: true });

  return {
    'openai-chat': () => create('openai-chat'),
    'openai-stream': async () => all(await stream('openai-stream')),
    'openai-stream-with-usage': async () =>
      all(await client.chat.completions.create({ model: 'openai-stream-with-usage', messages: user(PROMPTS.whole), stream: true, stream_options: { include_usage: true } })),
    'openai-stream-helper': async () => {
      const stream = client.chat.completions.stream({ model: 'openai-stream-helper', messages: user(PROMPTS.whole) });
      const deltas: string[] = [];
      stream.on('content', (delta) => deltas.push(delta));
      const { choices, usage } = await stream.finalChatCompletion();
      return { deltas, content: choices[0]?.message.content, usage };
    },
    'openai-stream-readable': async () => new Response((await stream('openai-stream-readable')).toReadableStream()).text(),
    'openai-stream-tee': async () => {
      const [one, other] = (await stream('openai-stream-tee')).tee();
      return Promise.all([all(one), all(other)]);
    },
    'openai-parse': async () => {
      const { choices, usage } = await client.chat.completions.parse({
        model: 'openai-parse',
        messages: user(PROMPTS.json),
        response_format: zodResponseFormat(z.object({ city: z.string(), warm: z.boolean() }), 'place'),
      });
      return { parsed: choices[0]?.message.parsed, usage };
    },
    'openai-run-tools': async () => {
      const runner = client.chat.completions.runTools({ model: 'openai-run-tools', messages: user(PROMPTS.tool), tools: [WEATHER as never] });
      return { content: await runner.finalContent(), usage: await runner.totalUsage() };
    },
    'openai-run-tools-stream': async () => {
      const runner = client.chat.completions.runTools({ model: 'openai-run-tools-stream', messages: user(PROMPTS.tool), tools: [WEATHER as never], stream: true });
      return runner.finalContent();
    },
    'openai-as-response': async () => {
      const response = await create('openai-as-response').asResponse();
      return { class: response.constructor.name, status: response.status, url: response.url, headers: seenHeaders(response.headers), text: await response.text() };
    },
    'openai-stream-as-response': async () => {
      const response = await stream('openai-stream-as-response').asResponse();
      return { headers: seenHeaders(response.headers), text: await response.text() };
    },
    'openai-with-response': async () => {
      const { data, response, request_id } = await create('openai-with-response').withResponse();
      return { data, status: response.status, headers: seenHeaders(response.headers), request_id };
    },
    'openai-responses': async () => {
      const { output_text, usage, status } = await client.responses.create({ model: 'openai-responses', input: PROMPTS.whole });
      return { output_text, usage, status };
    },
    'openai-responses-stream': async () => {
      const { items, broken } = await all(await client.responses.create({ model: 'openai-responses-stream', input: PROMPTS.whole, stream: true }));
      return { broken, items: items.map((event) => [event.type, 'delta' in event ? event.delta : null, event.type === 'response.completed' ? event.response.usage : null]) };
    },
    'openai-responses-helper': async () => {
      const { output_text, usage } = await client.responses.stream({ model: 'openai-responses-helper', input: PROMPTS.whole }).finalResponse();
      return { output_text, usage };
    },
    'openai-embeddings': () => embedding.embeddings.create({ model: 'openai-embeddings', input: ['one', 'two'] }),
    'openai-embeddings-float': () => embedding.embeddings.create({ model: 'openai-embeddings-float', input: 'one', encoding_format: 'float' }),
    'openai-azure': () => create('openai-azure', PROMPTS.whole, azure),
    'openai-azure-stream': async () => all(await stream('openai-azure-stream', PROMPTS.whole, azure)),
    'openai-own-fetch': () => create('openai-own-fetch', PROMPTS.whole, ownFetch),
    'openai-own-fetch-stream': async () => all(await stream('openai-own-fetch-stream', PROMPTS.whole, ownFetch)),
    'openai-npm-fetch': async () => all(await stream('openai-npm-fetch', PROMPTS.whole, npmFetching)),
    'openai-dispatcher': () => create('openai-dispatcher', PROMPTS.whole, dispatching),
    'openai-dispatcher-stream': async () => all(await stream('openai-dispatcher-stream', PROMPTS.whole, dispatching)),
    'openai-tls': async () => all(await stream('openai-tls', PROMPTS.whole, secure)),
    'openai-many': async () => Promise.all(Array.from({ length: 20 }, (_, index) => create('openai-many', `${PROMPTS.whole}${'!'.repeat(index)}`))),
    'openai-retried': () => create('openai-retried', PROMPTS.refusedTwice, retrying),
    'openai-stream-retried': async () => all(await stream('openai-stream-retried', PROMPTS.refusedTwice, retrying)),
    'openai-failing': () => failure(() => create('openai-failing', PROMPTS.broken, retrying)),
    'openai-filtered': () => failure(() => create('openai-filtered', PROMPTS.filtered)),
    'openai-rubbish': () => failure(() => create('openai-rubbish', PROMPTS.rubbish)),
    'openai-hung-up': () => failure(() => create('openai-hung-up', PROMPTS.hangUp)),
    'openai-cut': async () => brokenOff(await stream('openai-cut', PROMPTS.cut)),
    'openai-gone': () => failure(() => create('openai-gone', PROMPTS.whole, gone)),
    'openai-break': async () => first(2, await stream('openai-break', PROMPTS.slow)),
    'openai-abort': async () => {
      const events = await stream('openai-abort', PROMPTS.slow);
      return failure(async () => {
        for await (const _ of events) events.controller.abort();
      });
    },
    'openai-abort-signal': async () => {
      const abort = new AbortController();
      const events = await client.chat.completions.create({ model: 'openai-abort-signal', messages: user(PROMPTS.slow), stream: true }, { signal: abort.signal });
      let seen = 0;
      return [
        await failure(async () => {
          for await (const _ of events) if (++seen === 3) abort.abort();
        }),
        seen,
      ];
    },
    'openai-abort-helper': async () => {
      const stream = client.chat.completions.stream({ model: 'openai-abort-helper', messages: user(PROMPTS.slow) });
      stream.once('content', () => stream.abort());
      return failure(() => stream.finalChatCompletion());
    },
    'openai-abort-before': () => failure(() => client.chat.completions.create({ model: 'openai-abort-before', messages: user(PROMPTS.whole) }, { signal: AbortSignal.abort() })),
  };
};
