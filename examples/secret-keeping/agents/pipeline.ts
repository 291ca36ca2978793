import { MemoryPipeline } from '../libraries/memory-pipeline.ts';
import { MEMORY_ROLE, type Agent, type MakeAgent, type Setting } from './agent.ts';
import { openAiEndpoint, openChat, type Chat, type ChatMessage } from './chat.ts';
import { answerFromMemory, turnText } from './public-talk.ts';

/** One call of its own a turn, and a memory that works each turn over in three or four calls, set up by environment variables alone. */
export const pipeline: MakeAgent = (setting) => {
  const { baseURL, apiKey, model } = openAiEndpoint(setting.endpoint(MEMORY_ROLE));
  const memory = withEnvironment({ OPENAI_BASE_URL: baseURL, OPENAI_API_KEY: apiKey, PIPELINE_MODEL: model }, () => new MemoryPipeline());
  return makePipeline(setting, openChat(setting, 'responder'), { talk: [], memory });
};

function makePipeline(setting: Setting, responder: Chat, past: { readonly talk: readonly ChatMessage[]; readonly memory: MemoryPipeline }): Agent {
  const talk = [...past.talk];
  const { memory } = past;
  return {
    reply: async (turn) => {
      const said = await answerFromMemory(responder, talk, { turn, memory: memory.recall().join('\n') });
      await setting.role(MEMORY_ROLE, () => memory.add(turnText(turn, said)));
      return said.answer;
    },
    fork: () => makePipeline(setting, responder, { talk, memory: new MemoryPipeline(memory) }),
  };
}

/** Sets variables while something is made, and puts back what was there: trials that run at the same time must not see each other's. */
function withEnvironment<T>(variables: Readonly<Record<string, string>>, make: () => T): T {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    return make();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
