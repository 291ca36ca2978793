import { KEEPER, takeApart } from '../prompts.ts';
import type { Agent, MakeAgent } from './agent.ts';
import { openChat, type Chat, type ChatMessage } from './chat.ts';

/** One call a turn. Its private notes stay in its own history, so it can read them again. */
export const privateCot: MakeAgent = (setting) => makePrivateCot(openChat(setting, 'responder'), [{ role: 'system', content: KEEPER }]);

function makePrivateCot(responder: Chat, past: readonly ChatMessage[]): Agent {
  const history = [...past];
  return {
    reply: async (turn) => {
      history.push({ role: 'user', content: turn });
      const text = await responder.ask(history);
      history.push({ role: 'assistant', content: text });
      return takeApart(text).answer;
    },
    fork: () => makePrivateCot(responder, history),
  };
}
