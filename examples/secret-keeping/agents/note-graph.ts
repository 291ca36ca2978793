import { NoteGraph } from '../libraries/note-graph.ts';
import { MEMORY_ROLE, type Agent, type MakeAgent, type Setting } from './agent.ts';
import { openAiEndpoint, openChat, type Chat, type ChatMessage } from './chat.ts';
import { answerFromMemory, turnText } from './public-talk.ts';

const NOTES_RECALLED = 4;

/** One call of its own a turn, and a memory that asks its own model several times for each note. */
export const noteGraph: MakeAgent = (setting) => {
  const { baseURL, apiKey, model } = openAiEndpoint(setting.endpoint(MEMORY_ROLE));
  return makeNoteGraph(setting, openChat(setting, 'responder'), { talk: [], graph: new NoteGraph({ baseUrl: baseURL, apiKey, model }) });
};

function makeNoteGraph(setting: Setting, responder: Chat, past: { readonly talk: readonly ChatMessage[]; readonly graph: NoteGraph }): Agent {
  const talk = [...past.talk];
  const { graph } = past;
  return {
    reply: async (turn) => {
      const memory = graph.find(`my secret word. ${turn}`, NOTES_RECALLED).join('\n');
      const said = await answerFromMemory(responder, talk, { turn, memory });
      await setting.role(MEMORY_ROLE, () => graph.addNote(turnText(turn, said)));
      return said.answer;
    },
    fork: () => makeNoteGraph(setting, responder, { talk, graph: graph.clone() }),
  };
}
