import { createRequire } from 'node:module';
import type * as OpenAiModule from 'openai';
import type { ClientProgram } from './contract.ts';
import { PROMPTS } from './prompts.ts';
import { all, brokenOff, failure, first, seenHeaders } from './seen.ts';

/** The OpenAI SDK 4, which sends through node-fetch: the one that mem0ai brings. */
export const openai4: ClientProgram = async ({ url, countedUrl }) => {
  const { OpenAI } = createRequire(createRequire(import.meta.url).resolve('mem0ai'))('openai') as typeof OpenAiModule;
  const client = new OpenAI({ apiKey: 'none', baseURL: `${url}/v1`, maxRetries: 0 });
  const retrying = new OpenAI({ apiKey: 'none', baseURL: `${url}/v1`, maxRetries: 2 });
  const embedding = new OpenAI({ apiKey: 'none', baseURL: `${countedUrl}/v1`, maxRetries: 0 });
  const asked = (model: string, content: string = PROMPTS.whole): { readonly model: string; readonly messages: { readonly role: 'user'; readonly content: string }[] } => ({ model, messages: [{ role: 'user', content }] });
  const stream = (model: string, content: string = PROMPTS.whole) => client.chat.completions.create({ ...asked(model, content), stream: true });
  const withUsage = (model: string, content: string = PROMPTS.whole, by = client) => by.chat.completions.create({ ...asked(model, content), stream: true, stream_options: { include_usage: true } });
  return {
    'openai4-chat': () => client.chat.completions.create(asked('openai4-chat')),
    'openai4-stream': async () => all(await stream('openai4-stream')),
    'openai4-stream-with-usage': async () => all(await withUsage('openai4-stream-with-usage')),
    'openai4-as-response': async () => {
      const response = await client.chat.completions.create(asked('openai4-as-response')).asResponse();
      return { status: response.status, headers: seenHeaders(Object.fromEntries(response.headers)), text: await response.text() };
    },
    'openai4-embeddings': () => embedding.embeddings.create({ model: 'openai4-embeddings', input: 'one' }),
    'openai4-retried': () => retrying.chat.completions.create(asked('openai4-retried', PROMPTS.refusedTwice)),
    'openai4-stream-retried': async () => all(await withUsage('openai4-stream-retried', PROMPTS.refusedTwice, retrying)),
    'openai4-failing': () => failure(() => client.chat.completions.create(asked('openai4-failing', PROMPTS.broken))),
    'openai4-rubbish': () => failure(() => client.chat.completions.create(asked('openai4-rubbish', PROMPTS.rubbish))),
    'openai4-hung-up': () => failure(() => client.chat.completions.create(asked('openai4-hung-up', PROMPTS.hangUp))),
    'openai4-cut': async () => brokenOff(await stream('openai4-cut', PROMPTS.cut)),
    'openai4-break': async () => first(2, await stream('openai4-break', PROMPTS.slow)),
  };
};
