import { KEEPER, takeApart, type Said } from '../prompts.ts';
import type { Chat, ChatMessage } from './chat.ts';

/**
 * Asks for the next answer of an agent that rereads only what the player saw: whatever else it is to know stands in its memory, which goes
 * into the system prompt. Adds the turn and the public answer to the talk.
 */
export async function answerFromMemory(responder: Chat, talk: ChatMessage[], { turn, memory }: { readonly turn: string; readonly memory: string }): Promise<Said> {
  const system = `${KEEPER}\n\nYou do not see your private lines again. What you remember:\n${memory === '' ? '(nothing)' : memory}`;
  const said = takeApart(await responder.ask([{ role: 'system', content: system }, ...talk, { role: 'user', content: turn }]));
  talk.push({ role: 'user', content: turn }, { role: 'assistant', content: said.answer });
  return said;
}

/** A turn as a memory is given it, private lines included. */
export function turnText(turn: string, { answer, notes }: Said): string {
  return `Player: ${turn}\nKeeper, in private: ${notes === '' ? '(nothing)' : notes}\nKeeper: ${answer}`;
}
