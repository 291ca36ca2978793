import type * as MessagesModule from '@langchain/core/messages';
import type * as ToolsModule from '@langchain/core/tools';
import type * as GraphModule from '@langchain/langgraph';
import type * as PrebuiltModule from '@langchain/langgraph/prebuilt';
import type * as OpenAiModule from '@langchain/openai';
import { z } from 'zod';
import type { ClientProgram } from './contract.ts';
import { PROMPTS } from './prompts.ts';
import { all, brokenOff, failure, first } from './seen.ts';

/** LangChain.js, with a tool loop by LangGraph. */
export const langchain: ClientProgram = async ({ load, url, countedUrl }) => {
  const { ChatOpenAI, OpenAIEmbeddings } = await load<typeof OpenAiModule>('@langchain/openai');
  const { tool } = await load<typeof ToolsModule>('@langchain/core/tools');
  const { HumanMessage } = await load<typeof MessagesModule>('@langchain/core/messages');
  const { END, MessagesAnnotation, START, StateGraph } = await load<typeof GraphModule>('@langchain/langgraph');
  const { ToolNode, toolsCondition } = await load<typeof PrebuiltModule>('@langchain/langgraph/prebuilt');
  const chat = (model: string, fields: object = {}): InstanceType<typeof ChatOpenAI> => new ChatOpenAI({ model, apiKey: 'none', maxRetries: 0, configuration: { baseURL: `${url}/v1` }, ...fields });
  const embeddings = (model: string): InstanceType<typeof OpenAIEmbeddings> => new OpenAIEmbeddings({ model, apiKey: 'none', maxRetries: 0, configuration: { baseURL: `${countedUrl}/v1` } });
  const weather = tool(async () => 'sunny', { name: 'weather', description: 'Tells the weather', schema: z.object({ city: z.string() }) });
  const seen = (message: { readonly content: unknown; readonly usage_metadata?: unknown }): unknown => [message.content, message.usage_metadata];
  return {
    'langchain-invoke': async () => seen(await chat('langchain-invoke').invoke(PROMPTS.whole)),
    'langchain-stream': async () => (await all(await chat('langchain-stream').stream(PROMPTS.whole))).items.map(seen),
    'langchain-stream-without-usage': async () => (await all(await chat('langchain-stream-without-usage', { streamUsage: false }).stream(PROMPTS.whole))).items.map(seen),
    'langchain-batch': async () => (await chat('langchain-batch').batch([PROMPTS.whole, `${PROMPTS.whole}!`, `${PROMPTS.whole}!!`])).map(seen),
    'langchain-responses': async () => (await chat('langchain-responses', { useResponsesApi: true }).invoke(PROMPTS.whole)).text,
    'langchain-structured': () => chat('langchain-structured').withStructuredOutput(z.object({ city: z.string(), warm: z.boolean() }), { method: 'jsonSchema' }).invoke(PROMPTS.json),
    'langchain-tool-loop': async () => {
      const model = chat('langchain-tool-loop').bindTools([weather]);
      const graph = new StateGraph(MessagesAnnotation)
        .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
        .addNode('tools', new ToolNode([weather]))
        .addEdge(START, 'model')
        .addConditionalEdges('model', toolsCondition, ['tools', END])
        .addEdge('tools', 'model')
        .compile();
      const { messages } = await graph.invoke({ messages: [new HumanMessage(PROMPTS.tool)] });
      return messages.map(({ type, content }) => [type, content]);
    },
    'langchain-embed-query': () => embeddings('langchain-embed-query').embedQuery('one'),
    'langchain-embed-documents': () => embeddings('langchain-embed-documents').embedDocuments(['one', 'two']),
    'langchain-retried': async () => seen(await chat('langchain-retried', { maxRetries: 2 }).invoke(PROMPTS.refusedTwice)),
    'langchain-failing': () => failure(() => chat('langchain-failing').invoke(PROMPTS.broken)),
    'langchain-cut': async () => brokenOff(await chat('langchain-cut').stream(PROMPTS.cut)),
    'langchain-break': async () => (await first(3, await chat('langchain-break').stream(PROMPTS.slow))).map(seen),
  };
};
