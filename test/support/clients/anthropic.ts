import type * as AnthropicModule from '@anthropic-ai/sdk';
import type { ClientProgram } from './contract.ts';
import { PROMPTS } from './prompts.ts';
import { all, brokenOff, failure, first, seenHeaders } from './seen.ts';

/** The Anthropic SDK. */
export const anthropic: ClientProgram = async ({ load, url }) => {
  const { Anthropic } = await load<typeof AnthropicModule>('@anthropic-ai/sdk');
  const client = new Anthropic({ apiKey: 'none', baseURL: url, maxRetries: 0 });
  const retrying = new Anthropic({ apiKey: 'none', baseURL: url, maxRetries: 2 });
  const asked = (model: string, content: string = PROMPTS.whole) => ({ model, max_tokens: 100, messages: [{ role: 'user' as const, content }] });
  const stream = (model: string, content: string = PROMPTS.whole) => client.messages.create({ ...asked(model, content), stream: true });
  return {
    'anthropic-create': () => client.messages.create(asked('anthropic-create')),
    'anthropic-stream': async () => all(await stream('anthropic-stream')),
    'anthropic-stream-helper': async () => {
      const deltas: string[] = [];
      const message = client.messages.stream(asked('anthropic-stream-helper')).on('text', (delta) => deltas.push(delta));
      return { message: await message.finalMessage(), deltas };
    },
    'anthropic-as-response': async () => {
      const response = await client.messages.create(asked('anthropic-as-response')).asResponse();
      return { status: response.status, headers: seenHeaders(response.headers), text: await response.text() };
    },
    'anthropic-with-response': async () => {
      const { data, response, request_id } = await client.messages.create(asked('anthropic-with-response')).withResponse();
      return { data, status: response.status, request_id };
    },
    'anthropic-retried': () => retrying.messages.create(asked('anthropic-retried', PROMPTS.refusedTwice)),
    'anthropic-failing': () => failure(() => retrying.messages.create(asked('anthropic-failing', PROMPTS.broken))),
    'anthropic-rubbish': () => failure(() => client.messages.create(asked('anthropic-rubbish', PROMPTS.rubbish))),
    'anthropic-hung-up': () => failure(() => client.messages.create(asked('anthropic-hung-up', PROMPTS.hangUp))),
    'anthropic-cut': async () => brokenOff(await stream('anthropic-cut', PROMPTS.cut)),
    'anthropic-break': async () => first(4, await stream('anthropic-break', PROMPTS.slow)),
    'anthropic-abort-helper': async () => {
      const message = client.messages.stream(asked('anthropic-abort-helper', PROMPTS.slow));
      message.once('text', () => message.abort());
      return failure(() => message.finalMessage());
    },
  };
};
