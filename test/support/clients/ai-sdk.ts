import type * as AnthropicModule from '@ai-sdk/anthropic';
import type * as OpenAiModule from '@ai-sdk/openai';
import type * as CompatibleModule from '@ai-sdk/openai-compatible';
import type * as AiModule from 'ai';
import { z } from 'zod';
import type { ClientProgram } from './contract.ts';
import { PROMPTS } from './prompts.ts';
import { all, failure } from './seen.ts';

/** Vercel's AI SDK, 7. It has no CommonJS build: there `require` gets its ES modules. */
export const aiSdk: ClientProgram = async ({ load, url, countedUrl }) => {
  const { embed, embedMany, generateText, Output, stepCountIs, streamText, tool } = await load<typeof AiModule>('ai');
  const { createOpenAI } = await load<typeof OpenAiModule>('@ai-sdk/openai');
  const { createAnthropic } = await load<typeof AnthropicModule>('@ai-sdk/anthropic');
  const { createOpenAICompatible } = await load<typeof CompatibleModule>('@ai-sdk/openai-compatible');
  const openai = createOpenAI({ apiKey: 'none', baseURL: `${url}/v1` });
  const anthropic = createAnthropic({ apiKey: 'none', baseURL: `${url}/v1` });
  const compatible = createOpenAICompatible({ name: 'mock', apiKey: 'none', baseURL: `${url}/v1` });
  const counted = { apiKey: 'none', baseURL: `${countedUrl}/v1` };
  const once = { maxRetries: 0, prompt: PROMPTS.whole } as const;
  type Model = AiModule.LanguageModel;
  const generate = async (model: Model, prompt: string = PROMPTS.whole, maxRetries = 0): Promise<unknown> => {
    const { text, finishReason, usage } = await generateText({ model, prompt, maxRetries });
    return { text, finishReason, usage };
  };
  const stream = async (model: Model, prompt: string = PROMPTS.whole): Promise<{ readonly items: readonly string[]; readonly broken?: unknown; readonly errors: readonly unknown[] }> => {
    const errors: unknown[] = [];
    const result = streamText({ model, prompt, maxRetries: 0, onError: ({ error }) => void errors.push(error instanceof Error ? [error.name, error.message] : String(error)) });
    const { items, broken } = await all(result.textStream);
    return { items, broken, errors };
  };
  return {
    'ai-generate': () => generate(openai('ai-generate')),
    'ai-generate-chat': () => generate(openai.chat('ai-generate-chat')),
    'ai-generate-anthropic': () => generate(anthropic('ai-generate-anthropic')),
    'ai-generate-compatible': () => generate(compatible('ai-generate-compatible')),
    'ai-stream': () => stream(openai('ai-stream')),
    'ai-stream-chat': () => stream(openai.chat('ai-stream-chat')),
    'ai-stream-anthropic': () => stream(anthropic('ai-stream-anthropic')),
    // It does not ask for usage: what it reports of it must stay what it was.
    'ai-stream-compatible': async () => {
      const { textStream, usage } = streamText({ ...once, model: compatible('ai-stream-compatible') });
      return { ...(await all(textStream)), usage: await usage };
    },
    'ai-object': async () => {
      const { output, usage } = await generateText({ ...once, model: openai.chat('ai-object'), prompt: PROMPTS.json, output: Output.object({ schema: z.object({ city: z.string(), warm: z.boolean() }) }) });
      return { output, usage };
    },
    'ai-tools': async () => {
      const weather = tool({ description: 'Tells the weather', inputSchema: z.object({ city: z.string() }), execute: async () => 'sunny' });
      const { text, steps } = await generateText({ ...once, model: openai.chat('ai-tools'), prompt: PROMPTS.tool, tools: { weather }, stopWhen: stepCountIs(3) });
      return { text, steps: steps.map(({ usage }) => usage) };
    },
    'ai-embed': async () => {
      const { embedding, usage } = await embed({ model: createOpenAI(counted).embedding('ai-embed'), value: 'one', maxRetries: 0 });
      return { embedding, usage };
    },
    'ai-embed-many': async () => {
      const { embeddings, usage } = await embedMany({ model: createOpenAICompatible({ name: 'mock', ...counted }).embeddingModel('ai-embed-many'), values: ['one', 'two', 'three'], maxRetries: 0 });
      return { embeddings, usage };
    },
    'ai-retried': () => generate(openai.chat('ai-retried'), PROMPTS.refusedTwice, 2),
    'ai-failing': () => failure(() => generate(openai.chat('ai-failing'), PROMPTS.broken)),
    'ai-rubbish': () => failure(() => generate(openai.chat('ai-rubbish'), PROMPTS.rubbish)),
    'ai-cut': async () => {
      const { broken, errors } = await stream(openai.chat('ai-cut'), PROMPTS.cut);
      return { broken, errors };
    },
    'ai-abort': async () => {
      const abort = new AbortController();
      const { textStream } = streamText({ model: openai.chat('ai-abort'), prompt: PROMPTS.slow, maxRetries: 0, abortSignal: abort.signal, onError: () => {} });
      const got: string[] = [];
      for await (const text of textStream) {
        got.push(text);
        if (got.length === 2) abort.abort();
      }
      return got.slice(0, 2);
    },
  };
};
