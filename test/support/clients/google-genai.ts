import type * as GenAiModule from '@google/genai';
import type { ClientProgram } from './contract.ts';
import { PROMPTS } from './prompts.ts';
import { all, brokenOff, failure, first } from './seen.ts';

/** Google's Gen AI SDK, against the Gemini API. */
export const googleGenAi: ClientProgram = async ({ load, url }) => {
  const { GoogleGenAI } = await load<typeof GenAiModule>('@google/genai');
  const client = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: url }, apiVersion: 'v1beta' });
  const stream = (model: string, contents: string = PROMPTS.whole): Promise<AsyncGenerator<GenAiModule.GenerateContentResponse>> => client.models.generateContentStream({ model, contents });
  const seen = ({ text, usageMetadata }: GenAiModule.GenerateContentResponse): unknown => [text, usageMetadata];
  return {
    'genai-generate': async () => seen(await client.models.generateContent({ model: 'genai-generate', contents: PROMPTS.whole })),
    'genai-stream': async () => (await all(await stream('genai-stream'))).items.map(seen),
    'genai-chat': async () => {
      const chat = client.chats.create({ model: 'genai-chat' });
      return [seen(await chat.sendMessage({ message: PROMPTS.whole })), seen(await chat.sendMessage({ message: PROMPTS.whole }))];
    },
    'genai-failing': () => failure(() => client.models.generateContent({ model: 'genai-failing', contents: PROMPTS.broken })),
    'genai-embed': async () => (await client.models.embedContent({ model: 'genai-embed', contents: ['one', 'two'] })).embeddings,
    'genai-cut': async () => brokenOff(await stream('genai-cut', PROMPTS.cut)),
    'genai-break': async () => (await first(2, await stream('genai-break', PROMPTS.slow))).map(seen),
  };
};
