import OpenAI from 'openai';
import type { TargetEndpoint } from '../../../src/models/index.ts';
import type { Setting } from './agent.ts';

export type ChatMessage = { readonly role: 'system' | 'user' | 'assistant'; readonly content: string };

/** A model that an agent asks in so many words. */
export interface Chat {
  ask(messages: readonly ChatMessage[]): Promise<string>;
}

/** A model to ask by OpenAI's client, its calls charged to a role. */
export function openChat({ endpoint, role, signal }: Setting, name: string): Chat {
  const { baseURL, apiKey, model, headers, query } = openAiEndpoint(endpoint(name));
  const client = new OpenAI({ baseURL, apiKey, defaultHeaders: headers, defaultQuery: query });
  return {
    ask: (messages) =>
      role(name, async () => {
        const { choices } = await client.chat.completions.create({ model, messages: messages.map((message) => ({ ...message })) }, { signal });
        return choices[0]?.message.content ?? '';
      }),
  };
}

/** @throws Error for a target that OpenAI's client cannot call */
export function openAiEndpoint(endpoint: TargetEndpoint): TargetEndpoint {
  if (endpoint.api !== 'openai') throw new Error(`the agents of this experiment speak to OpenAI-compatible models, not to ${endpoint.api}: name a target such as openai:MODEL, openrouter:MODEL or compat:URL#MODEL`);
  return endpoint;
}
