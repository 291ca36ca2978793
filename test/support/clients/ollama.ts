import type * as OllamaModule from 'ollama';
import type { ClientProgram } from './contract.ts';
import { PROMPTS } from './prompts.ts';
import { all, failure, first } from './seen.ts';

/** Ollama's own client. */
export const ollama: ClientProgram = async ({ load, url }) => {
  const { Ollama } = await load<typeof OllamaModule>('ollama');
  const client = new Ollama({ host: url });
  const asked = (model: string, content: string = PROMPTS.whole): { readonly model: string; readonly messages: { readonly role: string; readonly content: string }[] } => ({ model, messages: [{ role: 'user', content }] });
  const seen = ({ message, done, eval_count, prompt_eval_count }: OllamaModule.ChatResponse): unknown => [message.content, done, prompt_eval_count, eval_count];
  return {
    'ollama-chat': async () => seen(await client.chat(asked('ollama-chat'))),
    'ollama-stream': async () => (await all(await client.chat({ ...asked('ollama-stream'), stream: true }))).items.map(seen),
    'ollama-generate': async () => (await client.generate({ model: 'ollama-generate', prompt: PROMPTS.whole })).response,
    'ollama-embed': () => client.embed({ model: 'ollama-embed', input: ['one', 'two'] }),
    'ollama-failing': () => failure(() => client.chat(asked('ollama-failing', PROMPTS.broken))),
    'ollama-break': async () => (await first(2, await client.chat({ ...asked('ollama-break', PROMPTS.slow), stream: true }))).map(seen),
  };
};
