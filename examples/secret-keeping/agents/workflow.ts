import type { Agent, MakeAgent } from './agent.ts';
import { openChat, type Chat, type ChatMessage } from './chat.ts';
import { answerFromMemory, turnText } from './public-talk.ts';

const UPDATER = `You keep the working memory of an agent that plays a game. You are given the memory so far and the latest turn.
Answer with JSON alone, {"memory": "..."}: all that the agent must still know later, in one text.`;

/** Two roles, two prompts: one answers, the other rewrites the working memory, and is asked again while its JSON cannot be read. */
export const workflow: MakeAgent = (setting) => makeWorkflow({ responder: openChat(setting, 'responder'), updater: openChat(setting, 'updater'), tries: setting.params.updaterTries }, { talk: [], memory: '' });

interface Parts {
  readonly responder: Chat;
  readonly updater: Chat;
  readonly tries: number;
}

function makeWorkflow(parts: Parts, past: { readonly talk: readonly ChatMessage[]; readonly memory: string }): Agent {
  const talk = [...past.talk];
  let { memory } = past;
  return {
    reply: async (turn) => {
      const said = await answerFromMemory(parts.responder, talk, { turn, memory });
      memory = await update(parts, `Memory so far: ${memory === '' ? '(empty)' : memory}\n\n${turnText(turn, said)}`, memory);
      return said.answer;
    },
    fork: () => makeWorkflow(parts, { talk, memory }),
  };
}

/** The memory that the updater writes; the old one where none of its tries can be read. */
async function update({ updater, tries }: Parts, given: string, old: string): Promise<string> {
  const messages: ChatMessage[] = [
    { role: 'system', content: UPDATER },
    { role: 'user', content: given },
  ];
  for (let tried = 1; tried <= tries; tried++) {
    const text = await updater.ask(messages);
    const memory = readMemory(text);
    if (memory !== undefined) return memory;
    messages.push({ role: 'assistant', content: text }, { role: 'user', content: `That was try ${tried} of ${tries}, and no JSON object with a text "memory". Answer again, with JSON alone.` });
  }
  return old;
}

function readMemory(text: string): string | undefined {
  try {
    const { memory } = JSON.parse(text.replace(/^```(?:json)?\s*|\s*```$/g, '')) as { readonly memory?: unknown };
    return typeof memory === 'string' ? memory : undefined;
  } catch {
    return undefined;
  }
}
