import type * as OllamaModule from 'ollama';
import type { ClientProgram } from './contract.ts';
import { PROMPTS } from './prompts.ts';
import { all, failure, first } from './seen.ts';

/** Ollama's own client. */
export const ollama: ClientProgram = async ({ load, url, countedUrl }) => {
  const { Ollama } = await load<typeof OllamaModule>('ollama');
  const client = new Ollama({ host: url });
  const counted = new Ollama({ host: countedUrl });
  const asked = (model: string, content: string = PROMPTS.whole): { readonly model: string; readonly messages: { readonly role: string; readonly content: string }[] } => ({ model, messages: [{ role: 'user', content }] });
  const seen = ({ message, done, eval_count, prompt_eval_count }: OllamaModule.ChatResponse): unknown => [message.content, done, prompt_eval_count, eval_count];
  return {
    'ollama-chat': async () => seen(await counted.chat(asked('ollama-chat'))),
    'ollama-stream': async () => (await all(await counted.chat({ ...asked('ollama-stream'), stream: true }))).items.map(seen),
    'ollama-generate': async () => (await counted.generate({ model: 'ollama-generate', prompt: PROMPTS.whole })).response,
    'ollama-embed': () => counted.embed({ model: 'ollama-embed', input: ['one', 'two'] }),
    'ollama-failing': () => failure(() => client.chat(asked('ollama-failing', PROMPTS.broken))),
    'ollama-break': async () => (await first(2, await client.chat({ ...asked('ollama-break', PROMPTS.slow), stream: true }))).map(seen),
  };
};
