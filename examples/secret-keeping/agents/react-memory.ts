import { AIMessage, HumanMessage, SystemMessage, type BaseMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt';
import { ChatOpenAI } from '@langchain/openai';
import * as z from 'zod';
import { KEEPER, takeApart } from '../prompts.ts';
import type { Agent, MakeAgent, Setting } from './agent.ts';
import { openAiEndpoint } from './chat.ts';

const PROMPT = `${KEEPER}

You do not see your private lines again. You have a notebook: write_memory adds a line to it, read_memory shows it. Write down what you must not forget, and read it before you answer.`;

/** Model and tool steps that a turn may take, so that a model which never comes to an answer ends. */
const MOST_STEPS = 12;

/** LangChain's tool loop over a notebook: as many calls a turn as the model sees fit. The notebook is all that is private and lasts. */
export const reactMemory: MakeAgent = (setting) => makeReact(setting, openModel(setting), { talk: [], notebook: [] });

function openModel({ endpoint }: Setting): ChatOpenAI {
  const { baseURL, apiKey, model, headers, query } = openAiEndpoint(endpoint('responder'));
  return new ChatOpenAI({ model, apiKey, configuration: { baseURL, defaultHeaders: headers, defaultQuery: query } });
}

function makeReact(setting: Setting, llm: ChatOpenAI, past: { readonly talk: readonly BaseMessage[]; readonly notebook: readonly string[] }): Agent {
  const talk = [...past.talk];
  const notebook = [...past.notebook];
  const readMemory = tool(async () => (notebook.length === 0 ? 'The notebook is empty.' : `The notebook says: ${notebook.join('; ')}`), { name: 'read_memory', description: 'Shows your notebook.', schema: z.object({}) });
  const writeMemory = tool(async ({ text }: { text: string }) => `Line ${notebook.push(text)} written.`, { name: 'write_memory', description: 'Adds a line to your notebook.', schema: z.object({ text: z.string() }) });
  const tools = [readMemory, writeMemory];
  const model = llm.bindTools(tools);
  const loop = new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }) => ({ messages: [await model.invoke([new SystemMessage(PROMPT), ...messages], { signal: setting.signal })] }))
    .addNode('tools', new ToolNode(tools))
    .addEdge(START, 'model')
    .addConditionalEdges('model', toolsCondition)
    .addEdge('tools', 'model')
    .compile();
  return {
    reply: async (turn) => {
      const asked = new HumanMessage(turn);
      const { messages } = await setting.role('responder', () => loop.invoke({ messages: [...talk, asked] }, { recursionLimit: 2 * MOST_STEPS, signal: setting.signal }));
      const { answer } = takeApart(messages.at(-1)?.text ?? '');
      talk.push(asked, new AIMessage(answer));
      return answer;
    },
    fork: () => makeReact(setting, llm, { talk, notebook }),
  };
}
